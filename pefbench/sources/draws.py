"""Random draws from the hash of a text, which depend neither on the order of rows nor on the training seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def digest(text: str) -> bytes:
    """The sha256 of a text, for draws."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def random_numbers(text: str) -> np.random.Generator:
    """A numpy generator seeded with the sha256 of a text."""
    import numpy as np

    return np.random.default_rng(int.from_bytes(digest(text), "big"))
