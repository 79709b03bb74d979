"""The replay: compares an export's answers to the trial's test examples with those of the trial's own model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from pefbench.errors import ExportError
from pefbench.metrics import compute, make

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.export.original import Original
    from pefbench.inference.kind import Answer

LEAST_ALIKE = 0.9
"""For an export that rounds: the share of answers that must equal the trial's except for scores. Not for generated
texts, where one token that changes by rounding changes all that follow."""
SHOWN = 160
"""How many characters of an input or an answer a message shows."""


@dataclass(frozen=True)
class Loss:
    """A metric of the trial's answers in fp32 (before) and of the export's answers (after)."""

    metric: str
    before: float
    after: float


@dataclass(frozen=True)
class Replay:
    """The result of a replay.

    examples: how many were replayed, out of `of` in the test split. alike: how many answers agree except for scores.
    largest: the largest difference of a score. recorded: how many recorded predictions the trial's model reproduces in
    fp32. loss: for an export that rounds, the task's first metric before and after.
    """

    examples: int
    of: int
    alike: int
    largest: float
    recorded: int
    loss: Loss | None = None


def replay(
    original: Original, expected: Sequence[Answer], found: Sequence[Answer], recorded: int, *, most: float | None
) -> Replay:
    """Compare answers. most: the largest allowed difference of a score; None if the export rounds (`LEAST_ALIKE`).

    Raises ExportError with the first example whose answer differs.
    """
    differences = [difference(*pair) for pair in zip_longest(expected, found)]
    alike = sum(each is not None for each in differences)
    rounded = 0.0 if original.head.generates else LEAST_ALIKE * len(expected)
    least = rounded if most is None else len(expected)
    wrong = [i for i, each in enumerate(differences) if each is None or (most is not None and not each <= most)]
    if (alike < least or most is not None) and wrong:
        raise ExportError(_difference(original, wrong, expected, found, most))
    numbers = [each for each in differences if each is not None]
    return Replay(
        examples=len(expected),
        of=len(original.prepared.examples["test"]),
        alike=alike,
        largest=max(numbers, default=0.0),
        recorded=recorded,
        loss=_loss(original, expected, found) if most is None else None,
    )


def difference(expected: Any, found: Any) -> float | None:
    """The largest difference of numbers in two answers, relative to the expected number if that is above 1.

    None if they differ in anything else: a label, a text, an offset.
    """
    if isinstance(expected, float) and isinstance(found, float):
        return abs(expected - found) / max(1.0, abs(expected))
    if type(expected) is not type(found):
        return None
    if isinstance(expected, dict):
        if expected.keys() != found.keys():
            return None
        pairs = [(value, found[name]) for name, value in expected.items()]
    elif isinstance(expected, list):
        if len(expected) != len(found):
            return None
        pairs = list(zip(expected, found, strict=True))
    else:
        return 0.0 if expected == found else None
    inner = [difference(*pair) for pair in pairs]
    return None if None in inner else max([each for each in inner if each is not None], default=0.0)


def _loss(original: Original, expected: Sequence[Answer], found: Sequence[Answer]) -> Loss:
    """The task's first metric before and after the export, on the replayed examples."""
    metric = make(original.prepared.recipe.evaluate.metrics[0])
    references = original.head.answers.references(original.examples)
    before, after = (
        compute(metric, original.as_predictions(answers), references)[metric.headline] for answers in (expected, found)
    )
    return Loss(metric.headline, before, after)


def _difference(
    original: Original,
    wrong: Sequence[int],
    expected: Sequence[Answer],
    found: Sequence[Answer],
    most: float | None,
) -> str:
    first = wrong[0]
    given, right, other = (
        _short(part[first] if first < len(part) else None) for part in (original.inputs, expected, found)
    )
    held = "" if most is None else f" (scores may differ by {most:g})"
    return (
        f"the export's answers differ from the trial's on {len(wrong)} of {len(expected)} test examples{held}, so it "
        f"was removed; the first, example {first}: {given}: the trial {right}, the export {other}"
    )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
