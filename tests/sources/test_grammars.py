"""Every format: each sound row of a file is read as it was written, each broken one counted; nothing is a traceback.

`PEFBENCH_TEST_FILES=2000 pytest tests/sources/test_grammars.py` makes 2,000 files of each.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows, readers
from tests.sources.amounts import files
from tests.sources.grammars import GRAMMARS, Made

LONGEST_MESSAGE = 500


def test_every_format_has_a_grammar() -> None:
    assert GRAMMARS.keys() == {*readers.names()}


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=files(10), deadline=None, suppress_health_check=[*HealthCheck])
@given(data=st.data())
def test_sound_rows_are_read_and_broken_ones_counted(name: str, data: st.DataObject) -> None:
    made: Made = data.draw(GRAMMARS[name])
    with tempfile.TemporaryDirectory() as folder:
        for path, content in made.files.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(content)
        source = f"file:{folder}"
        bad = BadRows(skip=True)
        given_format = None if name == "parallel" else name
        if not made.rows:
            with pytest.raises(DataError, match="has no rows"):
                read_rows(source, made.part, format=given_format, bad=bad)
        else:
            found = read_rows(source, made.part, format=given_format, bad=bad)
            assert [made.view(row.values) for row in found.rows] == made.rows
        assert len(bad.found) == made.broken
        assert not any("\n" in message for message in bad.found)
        assert all(len(message) <= LONGEST_MESSAGE for message in bad.found)
        if made.broken:
            with pytest.raises(DataError):
                read_rows(source, made.part, format=given_format)
