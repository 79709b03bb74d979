"""A generated text, and how it ended."""

from __future__ import annotations

from typing import Literal, NamedTuple

Finish = Literal["stop", "length", "cancelled"]


class Written(NamedTuple):
    """A generated text.

    tokens: the number of generated tokens, including the end token. read: the number of prompt tokens. finish: why the
    text ends: stop: by the model or a text of `Wanted.stop`; length: at the maximum number of tokens; cancelled: by
    `Wanted.told`.
    """

    text: str
    tokens: int
    read: int
    finish: Finish
