"""The reference is complete: every recipe field, method option, task, metric, format and command is in it."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from docs.generate.reference import EXTENDING, PUBLIC, STATISTICS, command_helps
from pefbench import registry
from pefbench.compare import file as comparison
from pefbench.paths import PROJECT
from pefbench.recipe import KEYS, SECTIONS
from pefbench.results import schema
from pefbench.sources import readers
from pefbench.yaml_text import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

CONCEPTS = sorted((PROJECT / "docs" / "concepts").glob("*.md"))


def read(site: Path, page: str) -> str:
    return (site / "reference" / f"{page}.html").read_text(encoding="utf8")


def anchors(html: str) -> set[str]:
    return {unescape(each) for each in re.findall(r'\bid="([^"]+)"', html)}


def test_every_field_of_a_recipe(site: Path) -> None:
    found = anchors(read(site, "recipe"))
    assert {f"{name}.{field}" for name, section in SECTIONS.items() for field in section.model_fields} <= found
    assert {*KEYS, "extends", "methods"} <= found


def test_every_field_of_a_comparison(site: Path) -> None:
    found = anchors(read(site, "comparison"))
    assert {f"comparison.{field}" for field in comparison.ComparisonFile.model_fields if field != "name"} <= found
    assert {f"comparison.methods.NAME.{field}" for field in comparison.Entry.model_fields} <= found
    assert {f"comparison.search.{field}" for field in comparison.Search.model_fields} <= found
    assert {f"comparison.pscp.{field}" for field in comparison.Pscp.model_fields} <= found


@pytest.mark.parametrize("kind", list(registry.FOLDERS))
def test_every_entry_of_the_registry(site: Path, kind: str) -> None:
    found = anchors(read(site, f"{kind}s"))
    assert {f"{kind}.{name}" for name in registry.names(kind)} <= found


def test_every_option_of_a_method(site: Path) -> None:
    found = anchors(read(site, "methods"))
    for name in registry.names("method"):
        options = registry.find("method", name).model_fields.keys() - {"name"}
        assert {f"{name}.method.{option}" for option in options} <= found, name


def test_every_option_of_a_task(site: Path) -> None:
    found = anchors(read(site, "tasks"))
    for name in registry.names("task"):
        assert {f"{name}.options.{option}" for option in registry.find("task", name).options.model_fields} <= found


def test_every_recipe_with_its_data(site: Path) -> None:
    html = unescape(read(site, "tasks"))
    for file in [*(PROJECT / "recipes").glob("*.yaml"), *(PROJECT / "recipes" / "hub").glob("*.yaml")]:
        values = read_yaml(file)
        if "extends" not in values:
            assert f"<code>{file.relative_to(PROJECT).as_posix()}</code>" in html, file
            assert all(f"<code>{source}" in html for source in values["data"]["source"].split(" + ")), file


def test_every_option_of_a_metric(site: Path) -> None:
    found = anchors(read(site, "metrics"))
    for name in registry.names("metric"):
        assert {f"{name}.{option}" for option in registry.find("metric", name).options_type.model_fields} <= found


def test_every_public_name(site: Path) -> None:
    named = {f"{module}.{name}" for part in (PUBLIC, STATISTICS, EXTENDING) for module in part for name in part[module]}
    assert named <= anchors(read(site, "python"))


def test_every_format(site: Path) -> None:
    assert {f"format.{name}" for name in readers.names()} <= anchors(read(site, "formats"))


def test_every_command_with_its_help(site: Path) -> None:
    html = read(site, "commands")
    helps = dict(command_helps())
    assert {"run", "compare", "table", "report", "pick", "check", "verify", "list"} <= set(helps)
    shown = unescape(re.sub(r"<[^>]+>", "", html))
    for name, text in helps.items():
        assert f"command.{name}" in anchors(html)
        assert text.strip() in shown, name


def test_every_field_of_a_result(site: Path) -> None:
    found = anchors(read(site, "result"))
    assert {f"result.Result.{field}" for field in schema.Result.__annotations__} <= found


def test_every_field_has_a_meaning() -> None:
    for name, section in SECTIONS.items():
        for field, info in section.model_fields.items():
            assert info.description, f"{name}.{field}"
    for kind in ("method", "task"):
        for name in registry.names(kind):
            entry = registry.find(kind, name)
            for field, info in (entry if kind == "method" else entry.options).model_fields.items():
                assert info.description, f"{name}.{field}"


@pytest.mark.parametrize("page", CONCEPTS, ids=lambda page: page.stem)
def test_a_concept_has_its_formula(page: Path, site: Path) -> None:
    html = (site / "concepts" / f"{page.stem}.html").read_text(encoding="utf8")
    assert html.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">') >= 1
    assert "$$" not in html
    assert "arithmatex" not in html


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for file in site.rglob("*.html"):
        html = file.read_text(encoding="utf8")
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', html), file


def test_everything_can_be_searched_for(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf8"))
    places = {entry["location"] for entry in index["docs"]}
    assert {"tutorial.html", "reference/recipe.html", "results/comparisons.html"} <= places
