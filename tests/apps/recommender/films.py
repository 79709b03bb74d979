"""Histories of users who take films about people or about places, in words that the tiny model knows."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.worlds import FILLERS, PEOPLE, PLACES

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
BEGIN = 1_700_000_000


def texts() -> dict[str, str]:
    """Item -> its text: p0, p1, ... are of people, l0, l1, ... of places."""
    people = [f"{subject} {filler}" for subject in PEOPLE for filler in FILLERS[:4]]
    places = [f"{subject} {filler}" for subject in PLACES for filler in FILLERS[:4]]
    return {f"p{i}": text for i, text in enumerate(people)} | {f"l{i}": text for i, text in enumerate(places)}


def write(file: Path, users: int = 80, *, seed: int = 0) -> None:
    """A table of user, item, time and text: each user takes eight films of a kind, on days of their own."""
    draw, items, rows = random.Random(seed), texts(), []
    for user in range(users):
        kind = [item for item in items if item.startswith("pl"[user % 2])]
        begin = draw.randrange(60)
        rows += [
            (BEGIN + (begin + day) * DAY, f"u{user}", item, items[item])
            for day, item in enumerate(draw.sample(kind, 8))
        ]
    lines = [f"{user},{item},{time},{text}" for time, user, item, text in sorted(rows)]
    file.write_text("\n".join(["user,item,time,text", *lines]) + "\n", encoding="utf8")
