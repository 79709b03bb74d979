"""How a text is generated: by the user's options and, for the rest, the trial's settings."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from pefbench.errors import DataError, quoted, suggest
from pefbench.heads.search import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.search import Search
    from pefbench.inference.kind import Json

MOST_STOPS = 16
SEEDS = 2**63


class Wishes(TypedDict, total=False):
    """Generation options of a user; an option that is left out or None is as in the trial.

    max_new_tokens: the most tokens of the text, including the end token. temperature: 0 decodes greedily, above 0 each
    token is sampled. top_p: sample from the most likely tokens that together reach this probability. seed: of sampling;
    the same seed gives the same text. stop: texts that end the generated text and are left out of it.
    """

    max_new_tokens: int | None
    temperature: float | None
    top_p: float | None
    seed: int | None
    stop: str | Sequence[str] | None


def wanted(search: Search, wishes: Mapping[str, Any], most: int) -> Wanted:
    """How to generate. search: the trial's. most: how many tokens the model has room for. Raises DataError."""
    given = {name: value for name, value in wishes.items() if value is not None}
    for name in given:
        if name not in Wishes.__annotations__:
            raise DataError(f"{name}: unknown; {suggest(name, Wishes.__annotations__)}")
    changed: Json = {"samples": 1}
    if "max_new_tokens" in given:
        changed["max_new_tokens"] = _whole("max_new_tokens", given["max_new_tokens"], 1, most)
    if "temperature" in given:
        changed["temperature"] = _number("temperature", given["temperature"], 0, 100)
        if changed["temperature"]:
            changed["num_beams"] = 1
    if "top_p" in given:
        changed["top_p"] = _number("top_p", given["top_p"], 0, 1)
        if not changed["top_p"]:
            raise DataError("top_p should be above 0, up to 1, is 0")
    if "seed" in given:
        changed["seed"] = _whole("seed", given["seed"], -SEEDS, SEEDS) % 2**64
    return Wanted(replace(search, **changed), _stops(given.get("stop", ())))


def _whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number. Raises DataError if it is not one or out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise DataError(f"{name} should be a whole number from {least} to {most}, is {quoted(value)}")
    return value


def _number(name: str, value: object, least: float, most: float) -> float:
    """A number. Raises DataError if it is not one or out of bounds."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not least <= value <= most
    ):
        raise DataError(f"{name} should be a number from {least} to {most}, is {quoted(value)}")
    return float(value)


def _stops(value: object) -> tuple[str, ...]:
    """Stop texts. Raises DataError if the value is neither a text nor a list of texts."""
    texts = [value] if isinstance(value, str) else value
    if (
        not isinstance(texts, list | tuple)
        or len(texts) > MOST_STOPS
        or not all(isinstance(each, str) and each for each in texts)
    ):
        raise DataError(f"stop should be a text, or a list of up to {MOST_STOPS} texts, is {quoted(value)}")
    return tuple(texts)
