"""MovieLens in RecBole's atomic files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tToy Story\t1995\tAnimation Children's Comedy\n"
    "2\tAmélie (2001)\t2001\tRomance\n"
    "3\tUnknown\t\t\n"
)
RATINGS = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
FIRST = f"{RATINGS}7\t2\t4\t100\n8\t1\t1.5\t50\n7\t3\t5\t90\n7\t1\t3\t90\n"


def write(folder: Path, ratings: str = FIRST, items: str = ITEMS) -> str:
    (folder / "ml.inter").write_text(ratings, encoding="utf-8")
    (folder / "ml.item").write_text(items, encoding="utf-8")
    (folder / "README.txt").write_text("about", encoding="utf-8")
    return f"file:{folder}"


@pytest.mark.parametrize("options", [{"format": "movielens"}, {"text_format": "movielens"}])
def test_a_row_is_a_user_with_all_its_items_in_time_order(tmp_path: Path, options: dict[str, Any]) -> None:
    rows = read_rows(write(tmp_path), **options)
    assert rows.columns == ("user", "items", "ratings", "timestamps")
    assert [(row.where, row.values) for row in rows.rows] == [
        (
            "ml.inter:2",
            {
                "user": "7",
                "items": ["Unknown", "Toy Story (1995): Animation, Children's, Comedy", "Amélie (2001): Romance"],
                "ratings": [5.0, 3.0, 4.0],
                "timestamps": [90.0, 90.0, 100.0],
            },
        ),
        (
            "ml.inter:3",
            {
                "user": "8",
                "items": ["Toy Story (1995): Animation, Children's, Comedy"],
                "ratings": [1.5],
                "timestamps": [50.0],
            },
        ),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("9\t4\t1\t1", "ml.inter:6: the item '4' is not in ml.item"),
        ("9\t1\t1", "ml.inter:6: 3 fields, but the header has 4"),
        ("9\t1\tgood\t1", "ml.inter:6: the rating should be a number, got 'good'"),
        ("9\t1\t1\tnan", "ml.inter:6: the timestamp should be a number, got 'nan'"),
    ],
)
def test_a_bad_rating_is_named_or_left_out(tmp_path: Path, line: str, expected: str) -> None:
    source = write(tmp_path, f"{FIRST}{line}\n")
    assert refusal(DataError, read_rows, source, format="movielens") == expected
    bad = BadRows(skip=True)
    assert [row.values["user"] for row in read_rows(source, format="movielens", bad=bad).rows] == ["7", "8"]
    assert bad.found == [expected]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (f"{ITEMS}1\tHeat\t1995\tAction\n", "ml.item:5: the item '1' occurs twice"),
        (f"{ITEMS}4\t \t1995\tAction\n", "ml.item:5: the item '4' has no title"),
        (ITEMS.replace("movie_title", "movie"), "ml.item:1: no column movie_title or title; "),
    ],
)
def test_a_bad_item_is_named(tmp_path: Path, items: str, expected: str) -> None:
    assert refusal(DataError, read_rows, write(tmp_path, items=items), format="movielens").startswith(expected)


def test_files_that_are_missing_or_too_many(tmp_path: Path) -> None:
    source = write(tmp_path)
    (tmp_path / "b.inter").write_text(FIRST, encoding="utf-8")
    assert "should hold one *.inter, has b.inter, ml.inter" in refusal(
        SourceError, read_rows, source, format="movielens"
    )
    (tmp_path / "ml.inter").unlink()
    message = refusal(SourceError, read_rows, source, format="movielens")
    assert message.endswith("should hold b.item; it has README.txt, b.inter, ml.item")
    (tmp_path / "b.inter").unlink()
    assert "should hold *.inter; it has" in refusal(SourceError, read_rows, source, format="movielens")
