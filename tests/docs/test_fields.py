"""Tables of fields: a field's meaning is the complete comment beside it in the code."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypedDict, is_typeddict

import pytest

from docs.generate import fields
from docs.generate.markdown import cell
from pefbench.results import schema, verdict_schema

if TYPE_CHECKING:
    from types import ModuleType


class Record(TypedDict):
    """A record with every kind of comment."""

    plain: int
    behind: int  # it stands behind
    # It stands above,
    # on two lines.
    above: int
    # It stands above
    both: int  # and behind


def test_comments_above_and_behind_a_field() -> None:
    rows = [row.split(" | ")[-1].strip(" |") for row in fields.of_record(Record, "record").splitlines()[2:]]
    assert rows == ["", "it stands behind", "It stands above, on two lines.", "It stands above and behind"]


@pytest.mark.parametrize("module", [schema, verdict_schema], ids=lambda module: module.__name__)
def test_no_comment_of_a_record_is_lost(module: ModuleType) -> None:
    records = [each for each in vars(module).values() if is_typeddict(each) and each.__module__ == module.__name__]
    for record in records:
        shown = fields.of_record(record, "record")
        for line in map(str.strip, inspect.getsource(record).splitlines()):
            if line.startswith("# "):
                assert cell(line.removeprefix("# ")) in shown, record
