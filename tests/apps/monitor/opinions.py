"""A classifier without a model: each text contains its own probability of being negative."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from pefbench.apps.monitor.items import Item
from pefbench.apps.monitor.opinion import Opinion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY = 86400
FIRST = 20_000 * DAY
"""2024-10-04."""


def classify(items: Sequence[Item]) -> list[Opinion]:
    """`0.9 a text`: .9 is the probability. One that begins with ? abstains."""
    return [Opinion(float(item.text.partition(" ")[0].strip("?")), item.text.startswith("?")) for item in items]


def item(day: int, number: int, chance: float, company: str | None = "Acme") -> Item:
    """An item of a day, with a time of its own."""
    text = f"{chance:.3f} headline {number}"
    return Item(f"{company}-{day}-{number}", text, FIRST + day * DAY + number * 60, company)


def days(first: int, last: int, *, company: str | None = "Acme", mean: float = 0.3, seed: int = 0) -> Iterator[Item]:
    """Ten items a day, in order, of a mean probability."""
    for day in range(first, last):
        draw = random.Random(f"{seed} {company} {day}")
        for number in range(10):
            yield item(day, number, min(0.999, max(0.0, draw.gauss(mean, 0.15))), company)


def line(given: Item) -> str:
    """An item as a line of JSONL."""
    from datetime import UTC, datetime

    time = datetime.fromtimestamp(given.time, UTC).isoformat()
    return json.dumps({"text": given.text, "time": time, "company": given.company, "id": given.key})
