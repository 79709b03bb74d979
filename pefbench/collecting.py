"""Python's cyclic garbage collector, kept from looking again and again through millions of objects that stay."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def off() -> Iterator[None]:
    """Collect nothing in this block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def paused() -> Iterator[None]:
    """Import libraries in this block without collecting, and leave what they made out of all later collections.

    An import makes a million objects; collecting takes a fifth of the time that torch, transformers and PEFT take to
    import. For a command, at its start. Nothing is changed where torch is there already, as in the process of somebody
    else, or where nothing is collected.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    with off():
        try:
            yield
        finally:
            gc.freeze()
