"""Histories in every layout; invalid events are counted by reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pefbench.apps.recommender import histories, layout
from pefbench.apps.recommender.events import Event, SkippedError, seconds
from pefbench.errors import DataError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOY = "Toy Story (1995)"
LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "movielens_latest": {
        "ratings.csv": "userId,movieId,rating,timestamp\n7,1,4.0,900\n7,2,3.5,800\n7,9,1.0,700\n",
        "movies.csv": f'movieId,title,genres\n1,{TOY},Animation|Comedy\n2,"Été, L\' (1999)",(no genres listed)\n',
    },
    "movielens_1m": {
        "ratings.dat": "7::1::5::900\n7::2::3::800\n7::9::3::700\n",
        "movies.dat": f"1::{TOY}::Animation|Comedy\n2::Été, L' (1999)::\n",
    },
    "movielens_100k": {
        "u.data": "7\t1\t5\t900\n7\t2\t3\t800\n7\t9\t3\t700\n",
        "u.genre": "unknown|0\nAnimation|1\nComedy|2\n\n",
        "u.item": f"1|{TOY}|01-Jan-1995||http://a|0|1|1\n2|Été, L' (1999)|||http://b|1|0|0\n",
    },
    "recbole": {
        "a.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "7\t1\t5\t900\n7\t2\t3\t800\n7\t9\t3\t700\n",
        "a.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tToy Story\t1995\tAnimation Comedy\n2\tÉté, L'\t1999\t\n",
    },
    "table": {
        "a.csv": f'user,item,time,text\n7,1,900,"{TOY}: Animation, Comedy"\n'
        "7,2,1970-01-01T01:13:20+01:00,\"Été, L' (1999)\"\n"
        "7,9,700,\n"
    },
}  # fmt: skip


def written(folder: Path, files: Mapping[str, str], encoding: str = "utf-8") -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding=encoding)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_gives_events_in_order_with_texts(tmp_path: Path, layout: str) -> None:
    older = layout in {"movielens_1m", "movielens_100k"}
    found = histories.read(str(written(tmp_path, LAYOUTS[layout], "latin-1" if older else "utf-8")))
    told = [(event.time, event.user, found.texts[event.item]) for event in found.events]
    assert told == [(800, "7", "Été, L' (1999)"), (900, "7", f"{TOY}: Animation, Comedy")]
    assert found.skips.counts == {"unreadable" if layout == "recbole" else "item without text": 1}


def test_clicks_of_mind_follow_the_history_before_them(tmp_path: Path) -> None:
    news = "".join(f"N{i}\tsports\tgolf\tTitle {i}\t\thttp://a\t[]\t[]\n" for i in range(4))
    lived = [
        "1\tU1\t11/12/2019 9:05:58 PM\tN0\tN3-0 N2-1",
        "2\tU1\t11/11/2019 9:05:58 AM\tN0\tN1-1 N3-0",
        "3\tU2\tnever\tN0\tN1-1",
    ]
    found = histories.read(str(written(tmp_path, {"behaviors.tsv": "\n".join(lived), "news.tsv": news})))
    assert [(event.user, event.item) for event in found.events] == [("U1", "N0"), ("U1", "N1"), ("U1", "N2")]
    assert found.events[1].time == 1573463158
    assert found.texts["N3"] == "Title 3"
    assert found.skips.counts == {"unreadable time": 1}


def test_rows_that_are_no_events_are_counted_by_their_reason(tmp_path: Path) -> None:
    rows = [
        "a,x,1000,Heat",
        "a,x,2026-11-02T10:00:00,Heat",
        "a,x,,Heat",
        ",x,1,Heat",
        "a,,1,Heat",
        "a,y,1,",
        "a,x,soon,Heat",
        "a,x",
    ]
    found = histories.read(str(written(tmp_path, {"a.csv": "\n".join(["user,item,time,text", *rows])}) / "a.csv"))
    assert found.events == [Event(1000.0, "a", "x")]
    assert found.skips.counts == {
        "time without zone": 1, "no time": 1, "no user": 1, "no item": 1, "item without text": 1, "unreadable time": 1,
        "unreadable": 1,
    }  # fmt: skip
    assert found.skips.first["time without zone"].endswith("a.csv:3")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("900", 900),
        (900.5, 900.5),
        (1_700_000_000_000, 1_700_000_000),
        ("1970-01-01T00:15:00Z", 900),
        (datetime(1970, 1, 1, 0, 15, tzinfo=UTC), 900),
    ],
)
def test_times_are_seconds_milliseconds_or_dates_with_a_zone(value: object, found: float) -> None:
    assert seconds(value) == found


def test_times_of_a_parquet_file_are_read(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    time = datetime(1970, 1, 1, 0, 15, tzinfo=UTC)
    table = pa.table({"user": [1], "item": [2], "time": pa.array([time], pa.timestamp("us", "UTC")), "title": ["Heat"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert histories.read(str(tmp_path)).events == [Event(900.0, "1", "2")]


@pytest.mark.parametrize("value", ["nan", "-1", float("inf"), [1], "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_said(value: object) -> None:
    with pytest.raises(SkippedError, match="unreadable time"):
        seconds(value)


def test_items_that_nobody_took_may_be_added(tmp_path: Path) -> None:
    written(tmp_path, {"a.csv": "user,item,time,text\na,x,1,Heat\n"})
    (tmp_path / "new").mkdir()
    more = written(tmp_path / "new", {"b.csv": "item,text\ny,Ran\nx,Other\nz,\n"})
    found = histories.read(str(tmp_path), str(more / "b.csv"))
    assert found.texts == {"x": "Heat", "y": "Ran"}
    assert found.skips.counts == {"item without text": 1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "does not have the files of a known layout"),
        ({"a.txt": "x"}, "movielens_1m: ratings.dat and movies.dat"),
        ({"a.csv": "user,item,time\na,x,1\n"}, "has no column text"),
        ({"a.csv": "user,item,time,text\na,x,soon,Heat\n"}, "holds no event.*unreadable time: 1"),
    ],
)
def test_a_folder_without_histories_is_refused_in_a_line(
    tmp_path: Path, files: Mapping[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        histories.read(str(written(tmp_path, files)))
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        histories.read(str(tmp_path / "nowhere"))


def test_a_file_in_the_working_directory_is_called_by_its_name() -> None:
    assert layout.shown(Path("orders.csv")) == "orders.csv"
    assert layout.shown(Path("/data/shop/orders.csv")) == "shop/orders.csv"
