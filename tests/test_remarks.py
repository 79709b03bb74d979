"""Oddities are warnings, everything else is a note, and both keep their order."""

from __future__ import annotations

import json

from pefbench.remarks import Odd, Remarks, lines


def test_what_is_odd_is_a_warning_and_the_rest_are_notes() -> None:
    found = Remarks.of(
        ["columns separated by tabs", Odd("2 rows left out"), "tags converted to IOB2", Odd("an odd rate")]
    )
    assert found == (["columns separated by tabs", "tags converted to IOB2"], ["2 rows left out", "an odd rate"])
    assert all(type(text) is str for text in found.warnings)
    assert json.dumps(found) == json.dumps([found.notes, found.warnings])
    assert lines(*found)[1:3] == ["note: tags converted to IOB2", "warning: 2 rows left out"]
