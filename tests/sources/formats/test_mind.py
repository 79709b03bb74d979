"""MIND's impressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

NEWS = "".join(
    f"{news}\tsports\tfootball\t{title}\tAbout it\thttps://example.org\t[]\t[]\n"
    for news, title in {"N1": 'The "Queen', "N2": "Ünlü 5", "N-3": "Third"}.items()
)
FIRST = "1\tU1\t11/11/2019 9:05:58 AM\tN2 N1\tN-3-1 N1-0\n"
EMPTY_HISTORY = "2\tU2\t11/12/2019 6:11:30 PM\t\tN2-0\r\n"


def write(folder: Path, behaviors: str, news: str = NEWS) -> str:
    for name in ("train", "dev"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "behaviors.tsv").write_text(behaviors, encoding="utf-8")
        (folder / name / "news.tsv").write_text(news, encoding="utf-8")
    return f"file:{folder}"


def test_a_row_is_an_impression_and_a_part_is_a_folder(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, FIRST + EMPTY_HISTORY), "dev", format="mind")
    assert rows.columns == ("user", "history", "candidates", "clicked")
    assert [(row.where, *row.values.values()) for row in rows.rows] == [
        ("dev/behaviors.tsv:1", "U1", ["Ünlü 5", 'The "Queen'], ["Third", 'The "Queen'], [True, False]),
        ("dev/behaviors.tsv:2", "U2", [], ["Ünlü 5"], [False]),
    ]
    assert read_rows(f"file:{tmp_path}/train", text_format="mind").rows[0].where == "behaviors.tsv:1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("3\tU3\ttime\tN9\tN1-1", "the news 'N9' is not in news.tsv"),
        ("3\tU3\ttime\tN1\tN9-1", "the news 'N9' is not in news.tsv"),
        ("3\tU3\ttime\tN1\tN1 N2", "should be a news id with -0 or -1, got 'N1' without a click"),
        ("3\tU3\ttime\tN1\tN1-2", "should be a news id with -0 or -1, got 'N1' without a click"),
        ("3\tU3\ttime\tN1\t", "no news was shown"),
        ("U3\ttime\tN1\tN1-0", "4 fields, but MIND's behaviors.tsv has 5"),
    ],
)
def test_a_bad_impression_is_named_or_left_out(tmp_path: Path, line: str, expected: str) -> None:
    source = write(tmp_path, f"{FIRST}{line}\n\n{EMPTY_HISTORY}")
    message = refusal(DataError, read_rows, source, "train", format="mind")
    assert message == f"train/behaviors.tsv:2: {expected}"
    bad = BadRows(skip=True)
    assert [row.line for row in read_rows(source, "train", format="mind", bad=bad).rows] == [1, 4]
    assert bad.found == [message]


def test_news_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    source = write(tmp_path, FIRST, f"{NEWS}N4\tsports\tfootball\t\tAbout it\turl\t[]\t[]\n")
    assert (
        refusal(DataError, read_rows, source, "train", format="mind") == "train/news.tsv:4: the news 'N4' has no title"
    )
    source = write(tmp_path, FIRST, f"{NEWS}N4\tsports\n")
    assert "train/news.tsv:4: 2 fields, but MIND's news.tsv has 8" in refusal(
        DataError, read_rows, source, "train", format="mind"
    )
    (tmp_path / "train" / "news.tsv").unlink()
    message = refusal(SourceError, read_rows, source, "train", format="mind")
    assert message == "train: should hold news.tsv; it has behaviors.tsv"
