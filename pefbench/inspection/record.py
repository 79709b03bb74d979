"""The record of an inspection: plain data, rendered as text, page or JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Token:
    """One token as the model sees it. mark: its target in the loss, "" if it has none."""

    text: str
    id: int
    mark: str


@dataclass(frozen=True, slots=True)
class Example:
    """One example. rows: its token sequences: a single one, or one per window or candidate.

    decoder: what an encoder-decoder's decoder learns to write; empty for other models.
    """

    number: int
    prompt: str
    reference: Any  # depends on the task: a label, tags, texts, a number
    rows: list[list[Token]]
    decoder: list[Token] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a histogram: how many examples have `low` to `high` tokens, inclusive."""

    low: int
    high: int
    examples: int


@dataclass(frozen=True, slots=True)
class Split:
    """One split as it will be used.

    labels: how often each label or tag occurs; empty if there are none. lengths: a histogram of tokens per whole
    example, before truncation. truncated: examples that lose text at the maximum length. dropped: rows left out as
    duplicates within the split or of a later split. unknown: the share of the text's tokens that are the tokenizer's
    unknown token, 0 to 1.
    """

    examples: int
    tokens: int
    labels: dict[str, int]
    lengths: list[Bin]
    longest: int
    truncated: int
    dropped: int
    unknown: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `pefbench inspect` found. shown: the split of `examples`. skipped: bad rows, each with its place."""

    recipe: str
    task: str
    model: str
    max_length: int
    splits: dict[str, Split]
    shown: str
    examples: list[Example]
    notes: list[str]
    warnings: list[str]
    skipped: list[str]

    def as_json(self) -> dict[str, object]:
        """The record as plain dictionaries and lists."""
        return asdict(self)
