"""Python's cyclic garbage collector while libraries are imported.

An import makes a million objects that stay, and the collector looks through them again and again for what does not: a
fifth of the time that torch, transformers and PEFT take to import.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def paused() -> Iterator[None]:
    """Import libraries in this block without collecting, and leave what they made out of all later collections.

    For a command, at its start. Nothing is changed where torch is there already, as in the process of somebody else, or
    where nothing is collected.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
