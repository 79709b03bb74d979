"""The choice model's data: what people took next, among items that would have been proposed instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from pefbench.apps.recommender import catalogue
from pefbench.apps.recommender.evidence import FEATURES, Evidence
from pefbench.atomic import write_text
from pefbench.errors import DataError
from pefbench.sources import random_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pefbench.apps.recommender.catalogue import Catalogue, Target

PROPOSED = 100
"""Wrong candidates are drawn from this many items with the most evidence."""
WRONG = {"train": 4, "validation": 19, "test": 19}
HISTORY = 20
"""How many items of a history are written; the recipe decides how many of them are read."""
PARTS = tuple(WRONG)
TESTED = 250
"""The most users in the model's own validation, and in its test."""


def write(folder: Path, known: Catalogue, begin: float, end: float, per_user: int, tested: int) -> None:
    """Write train.jsonl, validation.jsonl and test.jsonl. Raises DataError if there are too few users.

    begin, end: the times at which validation and the application's test begin. Nothing from `end` on is read: half of
    the users in the validation period form the model's own validation, the other half its test.
    """
    evidence = Evidence(known.before(begin), np.zeros((len(known.texts), 1), np.float32))
    later = catalogue.targets(known, begin, end, 1)
    later.sort(key=lambda target: random_numbers(target.user).random())
    half = min(tested, len(later) // 2)
    parts = {
        "train": _latest(known, begin, per_user),
        "validation": later[:half],
        "test": later[half : 2 * half],
    }
    for part, targets in parts.items():
        lines = list(_lines(known, evidence, targets, WRONG[part]))
        if not lines:
            raise DataError(
                f"the histories leave nothing for {part}: too few people took something before and after "
                f"validation begins; bring more, or a larger share: validation"
            )
        write_text(folder / f"{part}.jsonl", "".join(lines))


def _latest(known: Catalogue, before: float, per_user: int) -> list[Target]:
    """Each user's last targets before a time."""
    found = []
    for user, taken in sorted(known.before(before).items()):
        items = tuple(each.item for each in taken)
        places = [place for place in range(1, len(items)) if items[place] not in items[:place]]
        found += [catalogue.Target(user, items[:place], items[place]) for place in places[-per_user:]]
    return found


def _lines(known: Catalogue, evidence: Evidence, targets: Sequence[Target], wrong: int) -> Iterator[str]:
    together = [FEATURES.index("together"), FEATURES.index("together, latest")]
    for target in targets:
        history = list(target.history)
        scores = evidence.features(history, np.zeros((len(history), 1), np.float32))
        order = np.argsort(-(scores[:, together].sum(1) + 1e-6 * scores[:, 0]), kind="stable")
        text = known.texts[target.item]
        taken = {known.texts[item] for item in (*history, target.item)}
        proposed = list(dict.fromkeys(known.texts[item] for item in order[: PROPOSED + len(history)]))
        proposed = [each for each in proposed if each not in taken]
        draw = random_numbers(f"{target.user}\n{len(history)}")
        drawn = [proposed[place] for place in draw.permutation(len(proposed))[:wrong]]
        candidates = [*drawn, text]
        if drawn:
            places = draw.permutation(len(candidates))
            values = {
                "user": target.user,
                "history": [known.texts[item] for item in history[-HISTORY:]],
                "candidates": [candidates[place] for place in places],
                "clicked": [candidates[place] == text for place in places],
            }
            yield json.dumps(values, ensure_ascii=False) + "\n"
