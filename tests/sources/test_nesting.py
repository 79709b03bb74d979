"""Columns inside columns, by dotted names."""

from __future__ import annotations

from pefbench.sources.nesting import unnest
from pefbench.sources.rows import Row, Rows

TABLE = Rows(
    ("q", "a", "x.y"),
    [
        Row({"q": {"text": "Who?"}, "a": [{"t": "Ada", "at": 1}, {"t": "Bo"}], "x.y": 1}, "f", 1),
        Row({"q": None, "a": [], "x.y": 2}, "f", 2),
    ],
)


def test_values_inside_objects_and_lists_of_objects() -> None:
    table = unnest(TABLE, ["q.text", "a.t", "a.at"])
    assert table.columns == ("q", "a", "x.y", "q.text", "a.t", "a.at")
    assert [row.values["q.text"] for row in table.rows] == ["Who?", None]
    assert [row.values["a.t"] for row in table.rows] == [["Ada", "Bo"], []]
    assert [row.values["a.at"] for row in table.rows] == [[1, None], []]
    assert "q.text" not in TABLE.rows[0].values


def test_a_column_of_that_name_and_names_of_nothing_change_nothing() -> None:
    assert unnest(TABLE, ["x.y", "q", "q.none", "z.y"]) is TABLE
