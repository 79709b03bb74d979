"""What PEFT warns about without cause."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def about_norms() -> Iterator[None]:
    """Within it, PEFT may ask a norm for its numbers of inputs and outputs: it has none, and needs none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Unsupported layer type '<class '.*Norm'>' encountered", UserWarning)
        yield
