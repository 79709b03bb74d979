"""README and results pages are true: their numbers are those of the committed results."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from docs.generate.parts import PAGES, PARTS, README, verdicts, with_parts
from docs.generate.reference import command_helps
from pefbench import registry
from pefbench.paths import PROJECT as ROOT
from pefbench.recipe_file import methods_of
from pefbench.results import store

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.verdict_schema import Comparison, TrialEntry

README_TEXT = README.read_text(encoding="utf8")
COMPARISONS = verdicts()
WRITTEN = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BASELINE = store.load_results(ROOT / "results" / "baseline").results


def test_what_is_shown_is_what_the_commands_print() -> None:
    pages = {page: page.read_text(encoding="utf8") for page in PAGES}
    assert all(any(mark in text for text in pages.values()) for mark in PARTS)
    for page, text in pages.items():
        assert with_parts(text) == text, f"{page}: `make readme` writes it anew"


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) < 14_000


@pytest.mark.parametrize("kind", ["method", "task"])
def test_the_tables_name_every_entry(kind: str) -> None:
    section = README_TEXT.partition(f"\n## {kind.capitalize()}s\n")[2].partition("\n## ")[0]
    cells = " ".join(row.split("|")[-2] for row in section.splitlines() if row.startswith("|"))
    assert set(re.findall(r"`(\w+)`", cells)) == set(registry.names(kind))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README_TEXT):
        assert (ROOT / target).exists(), target


def test_the_default_learning_rates_are_those_that_the_page_shows_in_bold() -> None:
    page = (ROOT / "docs" / "results" / "learning-rates.md").read_text(encoding="utf8")
    shown = dict(re.findall(r"^\| `(\w+)` \| .*\*\*([\d.e-]+)\*\*", page, re.MULTILINE))
    assert set(shown) == set(registry.names("method")) - {"peft"}
    for name, rate in shown.items():
        assert float(rate) == registry.find("method", name).learning_rate, name


def test_the_baseline_is_of_default_recipes_run_from_a_commit() -> None:
    recipes = {
        f"{method}_{file.stem}"
        for file in registry.recipes()
        if file.parent.name == "recipes"
        for method in methods_of(file)
    }
    recorded = {stored.result["recipe"]["name"] for stored in BASELINE}
    every_method = {f"{method}_{task}" for method in registry.names("method") for task in ("ner", "topic")}
    assert recipes & every_method <= recorded <= recipes
    assert len(recipes & every_method) == 2 * len([name for name in registry.names("method") if name != "peft"])
    for stored in BASELINE:
        assert stored.result["status"] == "finished"
        assert stored.result["provenance"]["dirty"] is False
        assert re.fullmatch(r"[0-9a-f]{40}", stored.result["provenance"]["commit"] or "")
        assert "/" not in stored.result["provenance"]["hardware"]["cpu"]
        round_trip = stored.result["round_trip"]
        assert round_trip is not None
        assert round_trip["reproduced"] is True


SIZES = {
    "sentiment_all": (18, 5, 10),
    "wnut17_files": (8, 5, 10),
    "banking77_files": (8, 5, 10),
    "software_ner": (8, 5, 10),
}
"""Methods, tuning trials of each and most seeds so far, of the comparisons recorded with looks of 5, then 10 seeds."""


def test_the_comparisons_are_whole_and_run_from_a_commit() -> None:
    recorded = {(each["name"], trial["result"]) for each in COMPARISONS for trial in trials(each)}
    folder = ROOT / "results" / "compare"
    kept = {(file.parts[-3], "/".join(file.parts[-2:])) for file in folder.glob("*/*/*.json")}
    assert recorded == kept
    for each in COMPARISONS:
        assert each["complete"]
        assert (len(each["methods"]), each["trials"], len(each["seeds"])) == SIZES[each["name"]]
        for trial in trials(each):
            source = store.read_result(folder / each["name"] / trial["result"])["provenance"]
            assert source["dirty"] is False
            assert re.fullmatch(r"[0-9a-f]{40}", source["commit"] or "")
            assert source["command"].startswith(f"pefbench compare recipes/compare/{each['name']}.yaml")


def trials(comparison: Comparison) -> list[TrialEntry]:
    return [trial for method in comparison["methods"] for trial in [*method["tuning"], *method["final"]]]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf8")
    typed = "\n".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    named = re.findall(r"^(?:\w+=\w+ )?(?:accelerate launch (?:-\S+ )*(?:\d )?)?pefbench (\w+)", typed, re.MULTILINE)
    assert set(named) <= {name for name, _ in command_helps()}
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    for target in re.findall(r"`make (\w+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_names_the_main_commands() -> None:
    named = set(re.findall(r"^(?:accelerate launch )?pefbench (\w+)", README_TEXT, re.MULTILINE))
    assert {"run", "compare", "table", "report", "pick", "check", "verify", "list"} <= named
    assert {"demo", "test", "docs"} <= set(re.findall(r"`make (\w+)", README_TEXT))


def test_the_changelogs_new_names_are_there() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf8")
    rows = re.findall(r"^\| `pefbench\.[^|]*\| ([^|]*) \|$", changelog, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(pefbench[\w.]*)`", row)}
    assert len(named) > 15
    for name in named:
        assert find_spec(name), name
