"""Files without column names: the message has the options that read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from tests.sources.refusals import refusal
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("river", "house", "town", "walk")


def sentence(at: int) -> str:
    return f"the {WORDS[at % 4]} number {at} near {WORDS[at // 4 % 4]}"


FILES = {
    "topic": ("csv", lambda at: f'"{at % 4 + 1}","a title {at}","{sentence(at)}"'),  # AG News
    "acceptability": ("tsv", lambda at: f"gj04\t{at % 2}\t{'*' if at % 3 else ''}\t{sentence(at)}"),  # CoLA
    "sentiment": ("csv", lambda at: f'"{at % 2 * 4}","14678{at}","Mon Apr 06","NO_QUERY","user{at}","{sentence(at)}"'),
    "semantic_similarity": ("tsv", lambda at: f"{at}\t{at % 6}.0\t{sentence(at)} there\t{sentence(at + 1)} here"),
}
OPTIONS = {
    "topic": {"label": 0, "text": 2},
    "acceptability": {"label": 1, "text": 3},
    "sentiment": {"label": 0, "text": 5},
    "semantic_similarity": {"score": 1, "text": 2, "pair": 3},
}


@pytest.mark.parametrize("task", FILES)
def test_the_options_in_the_message_read_the_file(task: str, tmp_path: Path) -> None:
    suffix, line = FILES[task]
    for split, first in (("train", 0), ("validation", 100), ("test", 200)):
        content = "".join(f"{line(first + at)}\n" for at in range(24))
        (tmp_path / f"{split}.{suffix}").write_text(content, encoding="utf8")
    named: dict[str, Any] = {split: f"{split}.{suffix}" for split in ("train", "validation", "test")}
    message = refusal(DataError, load, task, tmp_path, **named)
    given = re.search(r"if the first line is a row, try -o data.header=false(( -o data\.columns\.\w+=\d+)+)", message)
    assert given is not None, message
    columns = {column: int(at) for column, at in re.findall(r"columns\.(\w+)=(\d+)", given[1])}
    assert columns == OPTIONS[task]
    corpus = load(task, tmp_path, **named, header=False, columns=columns)
    assert len(corpus.dataset.splits["train"]) == 24
    assert corpus.dataset.splits["train"][0].text.startswith("the river")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("review,stars\nfine,1\npoor,0\n", "stars (say which with data.columns.text)"),  # a header
        ("4,fine\n4,poor\n", "; if the first line is a row, data.header=false numbers the columns from 0)"),
        ("4,fine,4\n4,poor,1\n", "names '4' twice; if it is a row, data.header=false numbers the columns from 0"),
    ],
)
def test_a_header_is_no_row_and_what_is_in_doubt_is_not_guessed(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(content, encoding="utf8")
    assert said in refusal(DataError, load, "topic", tmp_path / "x.csv")
