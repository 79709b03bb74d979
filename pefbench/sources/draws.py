"""Draws by the hash of a text: neither the order of rows nor a seed of training changes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def digest(text: str) -> bytes:
    """The sha256 of a text, by which it is drawn."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def random_numbers(text: str) -> np.random.Generator:
    """Numpy's generator, seeded by the sha256 of a text."""
    import numpy as np

    return np.random.default_rng(int.from_bytes(digest(text), "big"))
