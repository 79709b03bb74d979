"""Every task with cells of any kind in any column: rows are read, or refused in one line."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import UserError
from pefbench.registry import find, names
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.tasks import Task

SPLITS: dict[str, Any] = {"train": "train.jsonl", "validation": "validation.jsonl", "test": "test.jsonl"}
LONGEST = 500
ODD: tuple[Any, ...] = (
    *(None, "", "\u200b", 0, 1, -1, 2.5, 1e308, 10**400, True, "a", "a text", "x" * 3000, "\ud83d", "a\x00b"),
    *(
        "[1, 2]",
        "['a', 'b']",
        "[",
        "{}",
        "B-PER O",
        [],
        {},
        [None],
        ["a"],
        ["a", "b"],
        [1, 2],
        [["a"]],
        {"a": {"b": 1}},
    ),
    *(["B-PER", "O"], [[0, 1, "X"]], [{"start": 0, "end": 1, "label": "X"}], {"text": ["a"], "answer_start": [0]}),
    [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
)


def written(task: Task, folder: Path, draw: random.Random) -> None:
    """Write files with most of the task's columns, half of whose cells are odd."""
    required = [column for column in task.columns if column not in (*task.optional, *task.later)]
    chosen = [column for column in task.columns if draw.random() < (0.9 if column in required else 0.35)]
    usual = {column: [name for name in task.columns[column] if isinstance(name, str)] or [column] for column in chosen}
    called = {column: draw.choice(usual[column]) for column in chosen}
    rows = draw.choice([6, 40])
    for split, file in SPLITS.items():
        lines = []
        for at in range(rows):
            plain = {column: [f"{split} text {at} of {column}", ["w", "x"], at % 2, ["O", "B-X"]] for column in chosen}
            cells = {called[column]: draw.choice(draw.choice([ODD, plain[column]])) for column in chosen}
            lines.append(f"{json.dumps(cells)}\n")
        (folder / file).write_text("".join(lines), encoding="utf8")


@pytest.mark.parametrize("name", names("task"))
@pytest.mark.parametrize("seed", range(4))
def test_a_task_reads_odd_cells_or_refuses_them(name: str, seed: int, tmp_path: Path) -> None:
    draw = random.Random(f"{name} {seed}")
    written(find("task", name), tmp_path, draw)
    named = SPLITS if draw.random() < 0.7 else {}
    try:
        load(name, tmp_path if named else tmp_path / "train.jsonl", **named, on_bad_row=draw.choice(["skip", "error"]))
    except UserError as error:
        assert len(str(error)) < LONGEST  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("ner", {"tokens": 5, "tags": ["O"]}),
        ("token_classification", {"tokens": 2.5, "tags": ["DET"]}),
        ("recommendation", {"user": "u", "history": 1, "candidates": ["a", "b"], "clicked": [1, 0]}),
        ("recommendation", {"user": "u", "history": ["a"], "candidates": 1, "clicked": [1, 0]}),
        ("recommendation", {"user": "u", "history": 7}),
    ],
)
def test_a_number_in_place_of_a_list_is_named(name: str, row: dict[str, Any], tmp_path: Path) -> None:
    for file in SPLITS.values():
        (tmp_path / file).write_text(f"{json.dumps(row)}\n", encoding="utf8")
    alone = "user" in row and "candidates" not in row
    with pytest.raises(UserError, match=r"^\w+\.jsonl:1: .* should be a "):
        load(name, tmp_path / "train.jsonl" if alone else tmp_path, **({} if alone else {**SPLITS, "leaks": "keep"}))
