"""The predictions that a trial keeps, with their clusters of dependent examples."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.results.predictions import clusters, file_of, pack, packed_file, read
from tests.sample_results import sample, store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pefbench.results.predictions import AnsweredExample
    from pefbench.results.store import Stored


def test_clusters_are_those_of_all_examples_or_none() -> None:
    row: AnsweredExample = {"id": 0, "prediction": "a", "reference": "a", "correct": True}
    in_cluster: AnsweredExample = {**row, "cluster": 3}
    assert clusters([in_cluster, in_cluster]) == [3, 3]
    assert clusters([in_cluster, row]) is None
    assert clusters([row]) is None


def trial(folder: Path, rows: list[AnsweredExample]) -> Stored:
    result = sample(changes={"artifacts.predictions": "kept/predictions.jsonl"})
    stored = store(folder, result)
    file = stored.path.parent / "kept" / "predictions.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return stored


@pytest.mark.parametrize(
    ("prediction", "reference"),
    [("a", "b"), (3.5, 4.0), (["B-PER", "O"], ["O", "O"]), ({"choice": 1, "scores": [0.1, 1 / 3]}, 0), (2, 2)],
)
def test_packed_answers_are_read_as_they_were_but_for_prompts(prediction: Any, reference: Any, tmp_path: Path) -> None:
    rows: list[AnsweredExample] = [
        {"id": i, "prompt": "private", "prediction": prediction, "reference": reference, "correct": False, "cluster": 0}
        for i in range(500)
    ]
    stored = trial(tmp_path, rows)
    packed = pack(stored)
    assert packed is not None
    first = packed.read_bytes()
    assert len(first) < 6000
    assert pack(stored) == packed
    assert packed.read_bytes() == first
    shutil.rmtree(stored.path.parent / "kept")
    assert file_of(stored) == packed
    assert read(packed) == [{key: value for key, value in row.items() if key != "prompt"} for row in rows]


@pytest.mark.parametrize("answer", [("a text", {"texts": ["the data's text"]}), ("a span", ["the data's text"])])
def test_texts_of_the_data_are_not_packed(answer: tuple[str, Any], tmp_path: Path) -> None:
    stored = trial(tmp_path, [{"id": 0, "prediction": answer[0], "reference": answer[1], "correct": False}])
    assert pack(stored) is None
    assert not packed_file(stored).exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[5:], lambda data: data[:40] + b"x" * 20])
def test_a_damaged_pack_is_named(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    rows: list[AnsweredExample] = [
        {"id": i, "prediction": str(i * i % 7), "reference": "a", "correct": False} for i in range(99)
    ]
    packed = pack(trial(tmp_path, rows))
    assert packed is not None
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(DataError, match=r"^.*\.predictions\.jsonl\.gz: cannot be read as text"):
        read(packed)


def test_older_files_name_the_prompt_asked(tmp_path: Path) -> None:
    row = {"id": 0, "asked": "Is it?", "prediction": "a", "reference": "b", "correct": False}
    (tmp_path / "predictions.jsonl").write_text(json.dumps(row) + "\n")
    [found] = read(tmp_path / "predictions.jsonl")
    assert found.get("prompt") == "Is it?"
    assert "asked" not in found


def test_predictions_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"predictions\.jsonl: no such file; the trial's predictions lie there$"):
        read(tmp_path / "predictions.jsonl")
