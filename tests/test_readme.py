"""The README says what is true: its table is of the committed results, which are real runs of committed code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench import registry
from pefbench.recipe_file import methods_of
from pefbench.results import store
from tests.readme_parts import PARTS, README, ROOT, verdicts, with_parts

if TYPE_CHECKING:
    from pefbench.results.verdict_schema import Comparison, TrialEntry

COMPARISONS = verdicts()
BASELINE = store.load_results(ROOT / "results" / "baseline").results


def test_the_table_and_the_grid_are_those_of_the_commands() -> None:
    readme = README.read_text(encoding="utf8")
    assert all(begin in readme for begin in PARTS)
    assert with_parts(readme) == readme


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


def test_the_comparisons_are_whole_and_run_from_a_commit() -> None:
    recorded = {(each["name"], trial["result"]) for each in COMPARISONS for trial in trials(each)}
    folder = ROOT / "results" / "compare"
    kept = {(file.parts[-3], "/".join(file.parts[-2:])) for file in folder.glob("*/*/*.json")}
    assert recorded == kept
    for each in COMPARISONS:
        assert each["complete"]
        assert (len(each["methods"]), each["trials"], len(each["seeds"])) == (4, 3, 3)
        for trial in trials(each):
            source = store.read_result(folder / each["name"] / trial["result"])["provenance"]
            assert source["dirty"] is False
            assert re.fullmatch(r"[0-9a-f]{40}", source["commit"] or "")
            assert source["command"].startswith(f"pefbench compare recipes/compare/{each['name']}.yaml")


def trials(comparison: Comparison) -> list[TrialEntry]:
    return [trial for method in comparison["methods"] for trial in [*method["tuning"], *method["final"]]]


def test_every_command_it_names_is_there() -> None:
    named = set(re.findall(r"^(?:accelerate launch )?pefbench (\w+)", README.read_text(encoding="utf8"), re.MULTILINE))
    assert {"run", "table", "check", "verify", "list"} <= named
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    for target in re.findall(r"`?make (\w+)", README.read_text(encoding="utf8")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
