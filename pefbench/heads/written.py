"""A text that was generated, and how it ended."""

from __future__ import annotations

from typing import Literal, NamedTuple

Finish = Literal["stop", "length", "cancelled"]


class Written(NamedTuple):
    """A text that was generated.

    tokens: how many were, the end token among them. read: tokens of the prompt. finish: why it ends there: the model or
    a text of `Wanted.stop` ended it, it has as many tokens as it may have, or `Wanted.told` broke it off.
    """

    text: str
    tokens: int
    read: int
    finish: Finish
