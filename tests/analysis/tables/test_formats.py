"""Names and messages come from elsewhere: every format shows them as plain text only."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.analysis.tables import pivot, table
from pefbench.analysis.tables.formats import FORMATS, csv_text, escaped, grid, one_line
from tests.analysis.tables.test_tables import at
from tests.sample_results import failed_sample, sample

NASTY = "a\r\nb\x1b[31m|<img src=x onerror=alert(1)>&amp; \\input{x} 50% $x_1$ \u202egnp\u2028z\x00"
TABLES = ("text", "markdown", "latex")


def cell_of(text: str) -> str:
    [header, row] = csv.reader(io.StringIO(csv_text([{"name": text, "value": -1.5}])))
    assert header == ["name", "value"]
    assert row[1] == "-1.5"
    return row[0]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "-", "- a note"])
def test_what_a_spreadsheet_would_compute_is_text_in_csv(text: str) -> None:
    assert not cell_of(text).startswith(("=", "+", "-", "@", "\t"))
    assert cell_of(text).endswith(text.strip())


@pytest.mark.parametrize("text", ["-1.5", "+3", "1e-3", "-inf", "lora", "a=b", "", "hf:a/b@main"])
def test_numbers_and_other_text_stay_in_csv(text: str) -> None:
    assert cell_of(text) == text


@given(st.text(max_size=12))
def test_no_text_is_a_formula_or_has_lines(text: str) -> None:
    found = cell_of(text)
    assert "\n" not in found
    assert not re.match(r"[=+@-]", found) or float(found) is not None
    assert one_line(one_line(text)) == one_line(text)


@pytest.mark.parametrize("style", TABLES)
def test_a_name_stays_in_its_cell(style: str) -> None:
    for titles in (("Method", "Value"), (NASTY, "Value")):
        lines = grid([{titles[0]: NASTY, "Value": "1"}, {titles[0]: "b", "Value": "2"}], style).splitlines()
        assert len(lines) == len(
            grid([{"Method": "a", "Value": "1"}, {"Method": "b", "Value": "2"}], style).splitlines()
        )
        harmless("\n".join(lines), style)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("lora_ner a&b", "lora_ner a&amp;b"),
        (".*q.*", r".\*q.\*"),
        ("__init__", r"\_\_init\_\_"),
        ("`x`", r"\`x\`"),
        (r"h\.[0-9]\d", r"h&#92;.[0-9]\d"),
        (r"x\|y", r"x&#92;\|y"),
    ],
)
def test_markdown_shows_a_name_as_it_is(name: str, source: str) -> None:
    row = grid([{"Settings": name, "Value": "**1**"}], "markdown").splitlines()[-1]
    assert re.fullmatch(r"\| (.*?) +\| +\*\*1\*\* \|", row)[1] == source  # type: ignore[index]  # else it fails


@pytest.mark.parametrize("style", TABLES)
def test_nothing_of_a_name_is_obeyed_outside_a_table(style: str) -> None:
    assert "\n" not in escaped(NASTY, style)
    harmless(escaped(NASTY, style), style)


@pytest.mark.parametrize("style", FORMATS)
def test_no_part_of_a_result_is_obeyed(style: str) -> None:
    named = {"recipe.name": NASTY, "recipe.model.name": f"file:{NASTY}", "recipe.method.name": NASTY}
    results = [at(sample(changes=named)), at(sample(changes=named, seed=3)), at(failed_sample(error=NASTY))]
    for text in (table(results, style), pivot(results, style)):
        harmless(text, style)


def harmless(text: str, style: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)
    if style == "markdown":
        assert "<img" not in text
        for line in text.splitlines():
            if line.startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"\|", re.sub(r"\\\|", "", line)))
    if style == "latex":
        assert r"\input{" not in text
        assert not re.search(r"(?<!\\)([%#]|\$x)", text)
