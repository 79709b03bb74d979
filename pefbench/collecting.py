"""Keeps Python's cyclic garbage collector from repeatedly scanning millions of objects that stay alive."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def off() -> Iterator[None]:
    """Disable garbage collection inside the block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def paused() -> Iterator[None]:
    """Import libraries in this block without collecting, and exclude their objects from all later collections.

    An import makes a million objects, and collecting takes a fifth of the time to import torch, transformers and PEFT.
    For a command, at its start. Does nothing if torch is already imported, as in another program's process, or if
    garbage collection is disabled.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    with off():
        try:
            yield
        finally:
            gc.freeze()
