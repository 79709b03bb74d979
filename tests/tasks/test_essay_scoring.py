"""Essay scoring: one prompt at a time, and a number for every score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, UserError
from pefbench.registry import find
from pefbench.sources import BadRows, Row
from pefbench.tasks.essay_scoring import TASK, read
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads.examples import RegressionExample
    from pefbench.trial.corpus import Corpus

HEADER = "essay_id\tessay_set\tessay\trater1_domain1\tdomain1_score\n"


def row(score: Any, prompt: Any = None, text: Any = "An essay.") -> Row:
    return Row({"text": text, "score": score, "prompt": prompt}, "x.tsv", 4)


def load(folder: Path, prompts: int, **options: Any) -> Corpus:
    lines = [f"{i}\t{1 + i % prompts}\tEssay num\xe9ro {i}\t3\t{i % 7}" for i in range(90)]
    (folder / "x.tsv").write_text(HEADER + "\n".join(lines) + "\n", encoding="latin-1")
    return loading.load("essay_scoring", folder / "x.tsv", options, encoding="latin-1")


def test_the_layout_of_asap_is_read(tmp_path: Path) -> None:
    splits = load(tmp_path, prompts=1).dataset.splits
    assert sum(map(len, splits.values())) == 90
    first: RegressionExample = next(each for each in splits["train"] if each.text.endswith(" 9"))
    assert (first.text, first.score) == ("Essay num\xe9ro 9", 2.0)


def test_of_several_prompts_one_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"essays on 3 prompts, .*: 1, 2, 3; choose one with options\.prompt"):
        load(tmp_path, prompts=3)
    splits = load(tmp_path, prompts=3, prompt=2).dataset.splits
    assert sum(map(len, splits.values())) == 30
    with pytest.raises(DataError, match=r"options\.prompt: no essay is on the prompt '9'; there are: 1, 2, 3"):
        load(tmp_path, prompts=3, prompt=9)


def test_prompts_are_named_in_order() -> None:
    rows = [row(3, prompt) for prompt in ("b", "c", "a")]
    with pytest.raises(DataError, match=r"3 prompts, .*: a, b, c; choose one"):
        read({"train": rows}, BadRows(), prompt=None)


@pytest.mark.parametrize("score", ["good", "", None, "nan", True, "inf"])
def test_a_score_is_a_number(score: Any) -> None:
    with pytest.raises(DataError, match=r"^x\.tsv:4: score should be a number"):
        read({"train": [row(score)]}, BadRows(), prompt=None)
    kept = read({"train": [row(score), row("4.5")]}, BadRows(skip=True), prompt=None)
    assert [example.score for example in kept.splits["train"]] == [4.5]


@pytest.mark.parametrize("text", [" ", '""', '" "', None])
def test_an_essay_has_a_word(text: Any) -> None:
    with pytest.raises(UserError, match=r"x\.tsv:4: text should be a non-empty text"):
        read({"train": [row(3, text=text)]}, BadRows(), prompt=None)


@pytest.mark.parametrize(
    ("table", "essay"),
    [
        ('"Dear editor, I agree."', "Dear editor, I agree."),
        ('"She said ""no"" and left."', 'She said "no" and left.'),
        ('"""No"", she said."', '"No", she said.'),
        ('"No", she said, "not now"', '"No", she said, "not now"'),
        ('He said "yes".', 'He said "yes".'),
        ('"', '"'),
    ],
)
def test_quotes_of_the_table_are_no_part_of_an_essay(table: str, essay: str) -> None:
    examples = read({"train": [row(3, text=table)]}, BadRows(), prompt=None)
    assert [example.text for example in examples.splits["train"]] == [essay]


def test_baselines_answer_with_scores_of_the_range() -> None:
    examples = read({"train": [row(i, text=f"word{i % 3} " * (i + 1)) for i in range(12)]}, BadRows(), prompt=None)
    train = examples.splits["train"]
    mean, words = (find("baseline", name)(train, train) for name in TASK.baselines)
    assert mean == [5.5] * 12
    assert all(0 <= score <= 11 for score in words)
    assert sorted(words) == words  # the longer, the better


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"Dear ""local"" paper"', 'Dear "local" paper'),
        ('"Yes," he said, "no"', '"Yes," he said, "no"'),
        ("plain", "plain"),
        ('"', '"'),
    ],
)
def test_the_quotes_of_the_table_are_not_the_essays(given: str, expected: str) -> None:
    [example] = read({"train": [row(3, text=given)]}, BadRows(), prompt=None).splits["train"]
    assert example.text == expected


def test_the_question_that_an_essay_answers_is_read_where_there_is_one(tmp_path: Path) -> None:
    rows = [f"q{i % 2},Essay {i},{i % 7}" for i in range(90)]
    (tmp_path / "x.csv").write_text("\n".join(["task,essay,score", *rows]), encoding="utf8")
    splits = loading.load("essay_scoring", tmp_path / "x.csv", columns={"pair": "task"}).dataset.splits
    assert {example.pair for examples in splits.values() for example in examples} == {"q0", "q1"}
    assert loading.load("essay_scoring", tmp_path / "x.csv").notes == ["columns not read: task"]
