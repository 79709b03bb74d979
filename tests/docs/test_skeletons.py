"""CONTRIBUTING.md names the exports of each kind of skeleton, and every package; see also tests/cli/test_new.py."""

from __future__ import annotations

import pytest

from pefbench.cli.new import KINDS
from pefbench.paths import PROJECT
from pefbench.registry import FOLDERS

CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf8")


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_says_what_each_kind_exports(kind: str) -> None:
    assert f"(`pefbench/{FOLDERS[kind]}/<name>.py`, exports `{kind.upper()}`)" in CONTRIBUTING


def test_the_guide_names_every_room() -> None:
    rooms = {file.parent.name for file in (PROJECT / "pefbench").glob("*/__init__.py")}
    assert all(f"| `{room}/` |" in CONTRIBUTING for room in rooms), rooms
