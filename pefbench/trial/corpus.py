"""From a recipe's data section to a task's examples: read, name columns, split, drop leaks, compute the fingerprint."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench import sources
from pefbench.errors import DataError, RecipeError, SourceError
from pefbench.registry import find
from pefbench.remarks import Odd
from pefbench.sources import BadRows, EncodingError
from pefbench.sources.formats import class_folders
from pefbench.tasks.reading.columns import check_are_sentences, check_are_words, resolve_columns
from pefbench.tasks.reading.several import joined
from pefbench.trial import groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads import Dataset
    from pefbench.recipe import Recipe
    from pefbench.sections import DataSection
    from pefbench.sources import Row, Rows
    from pefbench.tasks import Task
    from pefbench.tasks.reading.columns import Named
    from pefbench.tasks.reading.several import Joined

LABELS = ("label", "labels", "tags")
"""The task's names for columns whose values `data.labels` names."""
SPLITS = ("train", "validation", "test")
OF_ONE_LINE = re.compile(r"\S+:\d+: (?!.*\bdata\.)")
"""Matches a message about a row of a file that has no hint of its own."""
ALL_FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
TRAIN_FRACTIONS = {"train": 0.9, "validation": 0.1}


@dataclass(frozen=True)
class Corpus:
    """A task's examples by split.

    fingerprint: sha256 over every value that the task reads. revision: the commit of a hub data set.
    dropped: how many rows of a split were dropped because a later split, or the split itself, contains their text.
    near_duplicates: how many rows of validation and of test are near duplicates of training rows.
    rows: the number of rows by split. A task may sample examples from them, or make several examples of one row.
    skipped: the problem of each bad row that was left out, with its file and line.
    notes: remarks on how the data was read, for readers of the results.
    """

    dataset: Dataset
    fingerprint: str
    revision: str | None
    dropped: Mapping[str, int]
    near_duplicates: Mapping[str, int]
    rows: Mapping[str, int]
    skipped: Sequence[str]
    notes: Sequence[str]


def load(recipe: Recipe, *, counts_near: bool = True) -> Corpus:
    """Read and split a recipe's data. Raises SourceError or DataError, before anything is trained.

    counts_near: count near duplicates, which takes a while and does not change the data.
    """
    bad = BadRows(
        skip=recipe.data.on_bad_row == "skip",
        strict_tags=recipe.data.tags == "strict",
        count_unseen=recipe.data.unseen_labels == "count",
    )
    try:
        return _load(recipe, bad, counts_near=counts_near)
    except SourceError as error:
        if _is_there(recipe.data.source):
            raise
        raise SourceError(f"{error}; set -o data.source=file:PATH to your copy") from None
    except DataError as error:
        if error is not bad.refused or not OF_ONE_LINE.match(str(error)):
            raise
        raise DataError(f"{error}; data.on_bad_row=skip leaves bad rows out") from None


def _is_there(source: str) -> bool:
    kind, _, path = source.partition(":")
    return kind != "file" or Path(path).exists()


def _load(recipe: Recipe, bad: BadRows, *, counts_near: bool) -> Corpus:
    task: Task = find("task", recipe.task)
    parts, revision, notes = _read_parts(recipe.data, task, bad)
    group = recipe.data.group
    splits, dropped = _split(parts, task, keeps_groups=group is not None), dict.fromkeys(SPLITS, 0)
    few: list[str] = []
    if group is not None:
        notes += groups.notes(splits, str(group))
        few = groups.few(splits, str(group))
    drops = (
        (recipe.data.repeats, sources.drop_repeats),
        (recipe.data.leaks, sources.drop_leaks),
        (recipe.data.near_duplicates, sources.drop_near_duplicates),
    )
    for chosen, drop in drops:
        if chosen == "drop":
            splits, left_out = drop(splits, lambda row: task.text(row.values))
            dropped = {split: dropped[split] + left_out[split] for split in SPLITS}
    options = recipe.options.model_dump()
    if not all(splits[split] for split in SPLITS) and (rows := _without_a_text(splits, task)):
        task.read(dict.fromkeys(SPLITS, rows), bad, **options)  # raises an error for them, or counts them
    _check_sizes(splits, recipe.data.source, bad, dropped, few)
    dataset = task.read(splits, bad, **options)
    _check_sizes(dataset.splits, recipe.data.source, bad, dropped, few)
    near = sources.count_near_duplicates(splits, lambda row: task.text(row.values)) if counts_near else {}
    sizes = {split: len(found) for split, found in splits.items()}
    return Corpus(dataset, sources.fingerprint(splits), revision, dropped, near, sizes, bad.found, notes)


def _without_a_text(splits: Mapping[str, Sequence[Row]], task: Task) -> list[Row]:
    """All rows if none has a text that differs from the others, so that one split has them all; otherwise none."""
    rows = [row for found in splits.values() for row in found]
    return rows if len(rows) > 1 and len({task.text(row.values) for row in rows}) == 1 else []


def _check_sizes(
    splits: Mapping[str, Sequence[Any]], source: str, bad: BadRows, dropped: Mapping[str, int], few: Sequence[str]
) -> None:
    """Raise DataError for an empty split; the message says how many rows were left out, and why.

    few: says that there are few groups, if so.
    """
    for split in SPLITS:
        if not splits[split]:
            sizes = ", ".join(f"{name} {len(splits[name])}" for name in SPLITS)
            reasons = [bad.told] if bad.found else []
            if dropped[split]:
                reasons.append(f"duplicates within the split or of a later split left out: {dropped[split]}")
            raise DataError("; ".join([f"{source}: the {split} split is empty ({sizes} examples)", *reasons, *few]))


def _read_parts(data: DataSection, task: Task, bad: BadRows) -> tuple[dict[str, list[Row]], str | None, list[str]]:
    """Read the parts that the recipe names, or the single file as `all`; columns get the task's names."""
    named = {split: part for split in SPLITS if (part := getattr(data, split)) is not None}
    if named and not {"train", "test"} <= named.keys():
        missing = ", ".join(f"data.{split}" for split in ("train", "test") if split not in named)
        raise RecipeError(f"{missing}: missing; name at least data.train and data.test, or none of the three")
    read: dict[str, list[Row]] = {}
    revision = None
    notes: dict[str, None] = {}  # an ordered set
    unread: dict[str, None] = {}
    for split, part in (named or {"all": None}).items():
        read[split] = []
        for source, inside in sources.members(data.source, part, data.sha256):
            rows, group = _rows(source, inside, data, task, bad), None
            if data.group is not None:
                rows, group = groups.grouped(rows, data.group, bad)
            if task.gather_by:
                rows = sources.with_tags(rows, data.columns, bad)
            if task.reshape is not None:
                rows = task.reshape(rows, data.columns)
            named_rows, left, joined_notes = _named(rows, data, task, bad)
            left = [name for name in left if group is None or name not in (group, group.partition(".")[0])]
            read[split] += named_rows
            if not named:
                notes |= dict.fromkeys(_named_splits(rows, left))
            revision = rows.revision
            notes |= dict.fromkeys(joined_notes)
            unread |= dict.fromkeys(left)
    if unread:
        notes[f"columns not read: {_listing(list(unread))}"] = None
    return read, revision, list(notes)


def _named_splits(rows: Rows, left: Sequence[str]) -> list[str]:
    """Warnings about columns of a single file that name a row's split, because nothing reads them."""

    def word(row: Row, name: str) -> str:
        return str(row.values.get(name)).strip().lower()

    # `all` stops at the first row of a text column, before all values are collected.
    told = [name for name in left if all(word(row, name) in class_folders.SPLITS for row in rows.rows)]
    found = {name: sorted({word(row, name) for row in rows.rows}) for name in told}
    return [
        Odd(
            f"the column {name!r} says of which split each row is ({', '.join(words)}), but the one file is split by a "
            "hash of the text; write a file for each, and name them as data.train, data.validation and data.test"
        )
        for name, words in found.items()
        if len(words) > 1
    ]


def _rows(source: str, inside: str | None, data: DataSection, task: Task, bad: BadRows) -> Rows:
    """The rows of one part, without the rows of empty cells that spreadsheets write below a table."""
    try:
        table = sources.read_rows(
            source,
            inside,
            config=data.config,
            revision=data.revision,
            format=data.format,
            text_format=task.text_format,
            encoding=data.encoding,
            sha256=data.sha256,
            header=data.header,
            bad=bad,
        )
    except EncodingError as error:
        raise DataError(error.in_recipe) from None
    last = len(table.rows)
    while last and all(isinstance(cell, str) and not cell.strip() for cell in table.rows[last - 1].values.values()):
        last -= 1
    return replace(table, rows=table.rows[:last])


def _named(rows: Rows, data: DataSection, task: Task, bad: BadRows) -> tuple[list[Row], list[str], tuple[str, ...]]:
    """The rows of one file with the task's column names, the columns not read, and the table's notes."""
    there = rows.columns
    rows = sources.unnest(rows, _names(data))
    file = rows.rows[0].file if rows.rows else data.source
    rows, named, parts = _joined(task, data, rows, bad, file)
    columns, notes = _resolved(task, named, rows, file), rows.notes
    by = columns.pop(task.gather_by, None) if task.gather_by else None
    if task.gather_by:
        gathered = sources.gather(rows, by, list(columns.values()), bad)
        by = None if gathered is rows else by
        rows = gathered
    absent = dict.fromkeys(name for name in task.columns if name not in (task.gather_by, *task.later))
    sound = sources.sound_rows(rows.rows, list(columns.values()), bad)
    for column in (columns[name] for name in LABELS if name in columns and data.labels is not None):
        sound = sources.named_rows(sound, column, data.labels or (), bad)
    read = {*columns.values(), by} | {name.partition(".")[0] for name in columns.values() if name not in there}
    left = [name for name in rows.columns if name not in {*read, *parts, *(part.partition(".")[0] for part in parts)}]
    return [_renamed(row, columns, absent) for row in sound], left, notes


def _names(data: DataSection) -> list[str]:
    """The source's column names that a recipe gives."""
    named = [name for names in data.columns.values() for name in (names if isinstance(names, list) else [names])]
    return [name for name in named if isinstance(name, str)]


def _joined(task: Task, data: DataSection, rows: Rows, bad: BadRows, file: str) -> Joined:
    """Join columns if several make up one of the task's columns. Raises DataError, with the file."""
    try:
        return joined(task, data.columns, rows, bad)
    except DataError as error:
        if error is bad.refused:
            raise
        raise DataError(f"{file}: {error}") from None


def _resolved(task: Task, named: Named, rows: Rows, file: str) -> dict[str, str]:
    """Map the task's columns to the source's. Raises DataError, with the file."""
    try:
        columns = resolve_columns(task, named, rows.columns, rows.rows)
        if "tokens" in columns:
            check_are_sentences(rows.rows)
        if "tokens" in columns and "tokens" not in named:
            check_are_words(columns["tokens"], rows.rows)
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    return columns


def _listing(names: Sequence[str], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(repr(name)[1:-1] for name in names[:limit]) + more


def _renamed(row: Row, columns: Mapping[str, str], absent: Mapping[str, None]) -> Row:
    values = {**absent, **{name: row.values[column] for name, column in columns.items()}}
    return replace(row, values=values, names=columns)


def _split(parts: Mapping[str, Sequence[Row]], task: Task, *, keeps_groups: bool) -> dict[str, list[Row]]:
    """Split what is not split yet: by the task's own rule, or by a hash of group or text, independent of row order.

    keeps_groups: rows may have groups. These are often few, so each split gets one, whatever the hashes.
    """
    if "all" in parts and task.split is not None:
        return dict(task.split(parts["all"]))

    def key(row: Row) -> str:
        return row.group or (task.group or task.text)(row.values)

    if "all" in parts:
        return sources.split_by_hash(parts["all"], key, ALL_FRACTIONS, fill=keeps_groups)
    splits = {split: list(rows) for split, rows in parts.items()}
    if "validation" not in splits:
        splits |= sources.split_by_hash(splits["train"], key, TRAIN_FRACTIONS, fill=keeps_groups)
    return splits
