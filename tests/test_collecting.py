"""Garbage collection is off while a command imports its libraries, and on again afterwards."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from pefbench import collecting

if TYPE_CHECKING:
    import pytest


def test_nothing_is_collected_in_the_block_and_what_it_made_is_left_alone_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    try:
        with collecting.paused():
            assert not gc.isenabled()
            made = [[number] for number in range(10_000)]
        assert gc.isenabled()
        assert gc.get_freeze_count() > len(made)
    finally:
        gc.unfreeze()


def test_a_process_that_has_torch_already_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", sys)
    frozen = gc.get_freeze_count()
    with collecting.paused():
        assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_who_collects_nothing_collects_nothing_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    gc.disable()
    try:
        with collecting.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
