"""Logs of lm-evaluation-harness, in the form of each of its versions."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.foreign.samples import Samples, read
from tests.foreign.foreign_files import sample, write_json, write_lines

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.foreign.samples import Sample


def filtered(number: int, filters: dict[str, float], **changes: Any) -> list[dict[str, Any]]:
    """The lines of one question, one for each filter."""
    return [sample(number, {"exact_match": value}, **{"filter": name, **changes}) for name, value in filters.items()]


def scores(samples: Samples, name: str, metric: str = "exact_match") -> list[float]:
    return [each.scores[metric] for each in samples.by_filter[name]]


def test_filters_that_lines_name(tmp_path: Path) -> None:
    lines = [line for number in (0, 1) for line in filtered(number, {"strict": 0.0, "flexible": float(number)})]
    found = read(write_lines(tmp_path / "log.jsonl", lines))
    assert scores(found, "strict") == [0.0, 0.0]
    assert scores(found, "flexible") == [0.0, 1.0]


def test_filters_that_lines_do_not_name_follow_the_order_of_the_results_file(tmp_path: Path) -> None:
    """0.4.3 to 0.4.7 write a question's lines in the order of the filters: filter by filter over all questions."""
    lines = [
        filtered(number, {name: value}, filter=...)[0] for name, value in (("a", 1.0), ("b", 0.0)) for number in (1, 0)
    ]
    log = write_lines(tmp_path / "log.jsonl", lines)
    found = read(log, ["a", "b"])
    assert scores(found, "a") == [1.0, 1.0]
    assert scores(found, "b") == [0.0, 0.0]
    assert [each.question for each in found.by_filter["a"]] == [0, 1]
    with pytest.raises(DataError, match=r"log.jsonl:3: doc_id 1 appears 2 times.* no results file beside it"):
        read(log)
    with pytest.raises(DataError, match=r":3: doc_id 1 appears 2 times .* there is 1 filter$"):
        read(log, ["a"])


def test_a_log_up_to_0_4_2_is_a_list_and_its_questions_are_hashed_anew(tmp_path: Path) -> None:
    lines = [sample(number, {"acc": 1.0}, doc_hash=..., filter=..., metrics=...) for number in (0, 1)]
    for name in ("prompt_hash", "target_hash"):
        for line in lines:
            del line[name]
    found = read(write_json(tmp_path / "log.jsonl", lines))
    assert scores(found, "none", "acc") == [1.0, 1.0]
    document = json.dumps(lines[0]["doc"], indent=2, ensure_ascii=False)
    assert found.questions[0].digest == hashlib.sha256(document.encode()).hexdigest()
    assert found.questions[0].digest != found.questions[1].digest


def first(path: Path, line: dict[str, Any]) -> Sample:
    return read(write_lines(path / "log.jsonl", [line])).questions[0]


def test_what_is_a_metric(tmp_path: Path) -> None:
    """Without a list of metrics all is one that is no field of the harness itself."""
    assert first(tmp_path, sample(0, {"acc": 1.0, "bypass": 9}, metrics=...)).scores == {"acc": 1.0}
    assert first(tmp_path, sample(0, {"acc": 1.0}, extra=3)).scores == {"acc": 1.0}
    assert first(tmp_path, sample(0, {"bleu": ["x", "y"]})).scores == {"bleu": ["x", "y"]}
    with pytest.raises(DataError, match=r":1: no value of 'acc', one of the sample's metrics"):
        first(tmp_path, sample(0, {}, metrics=["acc"]))


def test_one_answer_is_taken_out_of_its_list(tmp_path: Path) -> None:
    assert first(tmp_path, sample(0, {"acc": 1.0}, filtered_resps=["7"])).answer == "7"
    assert first(tmp_path, sample(0, {"acc": 1.0}, filtered_resps=[[-1.0, False], [-2.0, True]])).answer == [
        [-1.0, False],
        [-2.0, True],
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [*filtered(0, {"a": 1.0, "b": 1.0}), *filtered(1, {"a": 1.0})],
            r"filters 'a' and 'b' cover different questions \(1 line\)",
        ),
        ([sample(0, {"acc": 1.0}), sample(1, {"f1": 1.0})], r":2: other metrics than the first sample's: acc, f1"),
        ([sample(0, {"acc": 1.0}, doc_id="0")], r":1: not a sample"),
        ([sample(0, {"acc": 1.0}, doc_hash=..., doc=...)], r":1: not a sample"),
        ([sample(0, {"acc": float("inf")})], r":1: acc is inf, which is not a score"),
    ],
)
def test_damaged_logs(tmp_path: Path, lines: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write_lines(tmp_path / "log.jsonl", lines))


def test_a_log_that_was_cut(tmp_path: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [sample(0, {"acc": 1.0}), sample(1, {"acc": 1.0})])
    log.write_bytes(log.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"log.jsonl:2: damaged JSON; is the file complete\?"):
        read(log)


def test_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    """Published logs are large, and repositories often hold a pointer in their place."""
    log = tmp_path / "log.jsonl"
    log.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", encoding="utf8")
    with pytest.raises(DataError, match=r"a Git LFS pointer, not the file itself; fetch it with git lfs pull"):
        read(log)
