from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pefbench.atomic import write_json
from pefbench.errors import DataError
from pefbench.results import schema
from pefbench.results.store import Stored, read_result
from tests.sample_results import change, failed_sample, sample, store

whole = json.dumps(sample())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a whole JSON file"),
        (whole[: len(whole) // 2].encode(), "not a whole JSON file"),
        (whole.encode() + b"}", "not a whole JSON file"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"\x00" * 100, "not a whole JSON file"),
        (b"[" * 100_000, "damaged"),
        (
            whole.replace("0.512", "NaN").encode(),
            r"not a whole JSON file \(unexpected character, .*line 1 column \d+\)",
        ),
        (whole.replace("0.512", "1e999").encode(), "number is infinity"),
        (whole.replace("0.512", "1" * 4000).encode(), "number is infinity"),
        (whole.replace("0.512", "1" * 5000).encode(), "damaged result"),
        (b"[]", "not a pefbench result"),
        (b"null", "not a pefbench result"),
        (b'{"peft_type": "LORA"}', "not a pefbench result"),
        (b'{"schema": 2}', "newer pefbench"),
        (b'{"schema": "1"}', "unknown schema"),
        (b'{"schema": true}', "unknown schema"),
        (b'{"schema": 0}', "older pefbench"),
        (b'{"schema": 1}', "id is missing"),
    ],
)
def test_damaged_and_foreign_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "0123456789ab.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_result(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("id", "x", "id should be 12 hex digits"),
        ("status", "done", "status should be finished or failed"),
        ("status", ["finished"], "status should be finished or failed"),
        ("error", 3, "error should be a string"),
        ("recipe", None, "recipe should be an object"),
        ("recipe.method", "lora", "recipe.method should be an object"),
        ("recipe.model.name", ..., "recipe.model.name is missing"),
        ("provenance.hardware.cores", True, "provenance.hardware.cores should be an integer"),
        ("provenance.finished", "yesterday", "provenance.finished should be a time"),
        ("provenance.resumed", ["2026-01-02T03:04:30Z", "later"], "provenance.resumed should be a time"),
        ("provenance.resumed", "2026-01-02T03:04:30Z", "provenance.resumed should be a list"),
        ("provenance.packages.torch", 2.13, "provenance.packages.torch should be a string"),
        ("data", ..., "data is missing, though"),
        ("data.splits.test.tokens", 1.5, "data.splits.test.tokens should be an integer"),
        ("model.adapter_bytes", "3", "model.adapter_bytes should be an integer"),
        ("phases.train", ..., "phases.train is missing, though"),
        ("phases.train.seconds", None, "phases.train.seconds should be a finite number"),
        ("phases.train.steps", ..., "phases.train.steps is missing"),
        ("metrics", None, "metrics is missing, though"),
        ("metrics.test.loss.higher_is_better", 1, "metrics.test.loss.higher_is_better should be true or false"),
        ("headline", "accuracy", "headline metric 'accuracy' is missing in metrics.test"),
        ("report.entity level.classes.PER.support", ..., "PER.support is missing"),
        ("curve", {}, "curve should be a list"),
        ("warnings", ["a", 1], r"warnings\.1 should be a string"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: object, words: str) -> None:
    result = sample()
    change(result, field, value)
    stored = Stored(tmp_path / "0123456789ab.json", result)
    write_json(stored.path, result)
    with pytest.raises(DataError, match=words):
        read_result(stored.path)


F1 = "metrics.test.entity_f1"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({f"{F1}.low": 0.9, f"{F1}.high": 0.1}, f"{F1}.low should not be above high: 0.9 > 0.1"),
        ({f"{F1}.value": 0.7}, f"{F1}.value should be in its interval: 0.7 is not between 0.482 and 0.542"),
        ({f"{F1}.value": -0.7}, f"{F1}.value should be in its interval: -0.7 is not between 0.482 and 0.542"),
        ({f"{F1}.examples": -1}, f"{F1}.examples should be 0 or more, is -1"),
        ({"phases.load.seconds": -0.5}, "phases.load.seconds should be 0 or more, is -0.5"),
        ({"model.adapter_bytes": -1}, "model.adapter_bytes should be 0 or more, is -1"),
        ({"data.splits.test.examples": -1}, "data.splits.test.examples should be 0 or more, is -1"),
        (
            {
                "baselines": {
                    "most_frequent": {"loss": {**sample()["metrics"]["test"]["loss"], "low": 0.4, "high": 0.3}}
                }
            },
            "baselines.most_frequent.loss.low should not be above high: 0.4 > 0.3",
        ),
    ],
)
def test_an_impossible_number_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=rf"damaged result: {re.escape(words)}$"):
        read_result(store(tmp_path, sample(changes=changes)).path)


def test_what_is_possible_is_read(tmp_path: Path) -> None:
    """A value at the end of its interval differs from it by rounding; metrics may be negative, as matthews is."""
    changes = {f"{F1}.{name}": value for name, value in (("value", 0.227), ("low", 0.227 + 4e-16), ("high", 0.227))}
    changes |= {"metrics.test.loss.value": -0.1, "metrics.test.loss.low": -0.2, "metrics.test.loss.high": 0.0}
    result = sample(changes=changes | {"phases.train.seconds": 0})
    assert read_result(store(tmp_path, result).path) == result


UNTOLD = (
    *("provenance.hardware", "provenance.world_size"),
    *("data.splits.train.tokens", "data.splits.validation.dropped", "data.splits.test.tokens"),
    *("model.parameters", "model.trainable_parameters", "model.trainable_percent"),
    *("phases.train.tokens", "phases.train.padding_fraction", "phases.train.tokens_per_second"),
)
"""What only an imported result may leave out."""


@pytest.mark.parametrize("field", UNTOLD)
def test_only_an_imported_result_may_leave_out_what_tools_do_not_record(tmp_path: Path, field: str) -> None:
    ours, imported = (sample(changes={field: ...}) for _ in range(2))
    with pytest.raises(DataError, match=rf"damaged result: {field} is missing$"):
        read_result(store(tmp_path / "ours", ours).path)
    change(imported, "foreign", {"tool": "PEFT method_comparison", "version": None, "files": {}})
    assert read_result(store(tmp_path / "imported", imported).path) == imported


def test_only_an_imported_result_may_not_know_how_many_examples_were_scored(tmp_path: Path) -> None:
    ours, imported = (sample(changes={"metrics.test.loss.examples": None}) for _ in range(2))
    with pytest.raises(DataError, match=r"damaged result: metrics\.test\.loss\.examples should be an integer$"):
        read_result(store(tmp_path / "ours", ours).path)
    change(imported, "foreign", {"tool": "PEFT method_comparison", "version": None, "files": {}})
    assert read_result(store(tmp_path / "imported", imported).path) == imported


def test_every_field_that_the_schema_lets_an_imported_result_leave_out_is_tested() -> None:
    """Their comments say so, on the field's line or the one before."""
    said = Path(schema.__file__).read_text(encoding="utf8")
    named = re.findall(
        r"^    (\w+): NotRequired.*# .*an imported result (?:may leave|leaves) it out", said, re.MULTILINE
    )
    named += re.findall(r"# .*an imported result (?:may leave|leaves) it out\.\n    (\w+): NotRequired", said)
    assert len(named) >= 7
    assert {*named} <= {field.rpartition(".")[2] for field in UNTOLD}


def test_what_was_not_reached_may_be_null_or_absent(tmp_path: Path) -> None:
    nulls = {"data": None, "model": None, "phases": None, "metrics": None, "headline": None, "round_trip": None}
    result = failed_sample()
    change(result, "data", ...)
    write_json(tmp_path / "a.json", {**result, **nulls})
    write_json(tmp_path / "b.json", {key: value for key, value in result.items() if key not in nulls})
    assert read_result(tmp_path / "a.json") == read_result(tmp_path / "b.json")


def test_new_fields_are_welcome(tmp_path: Path) -> None:
    result = sample(changes={"provenance.conda": "base", "later": 1})
    assert read_result(store(tmp_path, result).path) == result
