"""Sentence pairs in the layouts of data sets, and a tiny trial on them."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

from pefbench.recipe import load_recipe
from pefbench.trial import run
from tests.worlds import PEOPLE, PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.worlds import World

    Labelled = Sequence[tuple[str, str, Any]]


def sentences(count: int, label: Callable[[bool], Any]) -> list[tuple[str, str, Any]]:
    """Distinct pairs of sentences, half of which name the same person twice, and what `label` makes of that."""
    draw = random.Random(0)
    found: dict[tuple[str, str], Any] = {}
    while len(found) < count:
        first, place = draw.choice(PEOPLE), draw.choice(PLACES)
        is_same = len(found) % 2 == 0
        second = first if is_same else draw.choice([name for name in PEOPLE if name != first])
        verb = draw.choice(["walking to", "saw a house in", "slept near", "slept in"])
        found[f"{first} {verb} {place} .", f"{second} {draw.choice(['saw', 'slept near'])} the river ."] = label(
            is_same
        )
    return [(*texts, given) for texts, given in found.items()]


def write(file: Path, columns: tuple[str, str, str], rows: Labelled, **others: Any) -> None:
    """Write a table of two texts and a label under these names, after columns of one value, by the file's suffix."""
    names = [*others, *columns]
    table = [dict(zip(names, [*others.values(), *row], strict=True)) for row in rows]
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in table), encoding="utf8")
        return
    with file.open("w", newline="", encoding="utf8") as stream:
        tabs = file.suffix != ".csv"
        writer = csv.DictWriter(stream, names, delimiter="\t" if tabs else ",", quoting=csv.QUOTE_NONE if tabs else 0)
        writer.writeheader()
        writer.writerows(table)


def trial(world: World, out: Path, task: str, file: Path) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """The result of a tiny BERT with LoRA on a file, and the test split's predictions and references."""
    recipe = world.recipe("pairs", task=task, data={"source": f"file:{file}"}, train__epochs=1)
    path = run.run(load_recipe(recipe), out)
    lines = (path.with_suffix("") / "predictions.jsonl").read_text(encoding="utf8").splitlines()
    rows = [json.loads(line) for line in lines]
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    assert result["round_trip"]["reproduced"]
    return result, [row["prediction"] for row in rows], [row["reference"] for row in rows]
