"""Assigns a source's columns to the task's: by the recipe, otherwise by their usual names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.cells import clean_name
from pefbench.tasks.reading import headerless

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import Row
    from pefbench.tasks import Task

    Named = Mapping[str, str | int]
    Choice = Mapping[str, str | int | list[str | int]]

LOOKED_AT = 20
"""How many sentences are checked to see whether an unnamed column holds words."""
LONGEST = 500
"""The most words of a sentence in a file without blank lines."""
LONGEST_NAME = 40
"""How many characters of a column's name a message shows."""
PAIRS = (
    ("premise", "hypothesis"),
    ("context", "hypothesis"),
    ("premise", "hypo"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
    ("sentence_A", "sentence_B"),
    ("#1 String", "#2 String"),
)
"""The usual names of the two columns of a pair."""
TEXTS = ("text", "pair")
"""The task's names of the two texts of a pair; no column of the source may be both."""
FIRST, SECOND = (tuple(dict.fromkeys(side)) for side in zip(*PAIRS, strict=True))
"""The usual names of `text` and `pair` in a task that always reads pairs."""


def resolve_columns(task: Task, named: Named, available: Sequence[str], rows: Sequence[Row] = ()) -> dict[str, str]:
    """The task's column names -> the source's, without missing optional ones.

    rows: of the source, for suggestions in messages. Raises DataError, listing the source's columns, if a column is
    missing or two fit equally well.
    """
    resolved = _pair(task, named, available)
    taken = {named[column] for column in TEXTS if column in named}
    for column, names in task.columns.items():
        if column in resolved:
            continue
        usual = [name for name in names if column not in TEXTS or name not in taken]
        found = found_columns([named[column]] if column in named else usual, available)
        if not found and column in (*task.optional, *task.later) and column not in named:
            continue
        if not found:
            wanted = repr(named[column]) if column in named else " or ".join(repr(name) for name in usual)
            raise missing_column(column, wanted, available, headerless.hint(task, available, rows))
        if column not in named:
            _refuse_ambiguous(task, named, column, found)
        resolved[column] = found[0]
    if not resolved:
        usual_names = ", ".join(str(name) for names in task.columns.values() for name in names if isinstance(name, str))
        hint = headerless.hint(task, available, rows)
        raise DataError(
            f"none of the columns {usual_names} is there; the columns are: {_listing(available)} "
            f"(say which with data.columns, as in data.columns.{next(iter(task.columns))}=NAME{hint})"
        )
    return resolved


def check_are_words(column: str, rows: Sequence[Row]) -> None:
    """Raise DataError if an unnamed column, taken for the words, numbers them or repeats the document's name.

    The first columns of GermEval's and OntoNotes' files do this.
    """
    lists = [words for row in rows[:LOOKED_AT] if isinstance(words := row.values[column], list) and len(words) > 1]
    if not column.isdecimal() or not lists:
        return
    starts = {words[0] for words in lists}
    numbered = starts <= {"0", "1"} and all(
        words == [str(int(words[0]) + place) for place in range(len(words))] for words in lists
    )
    if numbered or (len(lists) > 1 and all(len(set(words)) == 1 for words in lists)):
        what = "numbers the words" if numbered else "repeats one value in each sentence"
        raise DataError(
            f"column {column} {what}; name the columns of words and tags, counted from 0, as in "
            "-o data.columns.tokens=1 -o data.columns.tags=2"
        )


def check_are_sentences(rows: Sequence[Row]) -> None:
    """Raise DataError for a file with one word per line that would be a single, implausibly long sentence."""
    if len(rows) == 1 and rows[0].line_a_token and (words := len(next(iter(rows[0].values.values())))) > LONGEST:
        raise DataError(f"{words:,} words without a blank line between them; blank lines separate sentences")


def _pair(task: Task, named: Named, available: Sequence[str]) -> dict[str, str]:
    """Both texts of a pair, if the task takes pairs, the recipe names neither, and the source has columns named so.

    Raises DataError if the source has two pairs.
    """
    if "pair" not in task.columns or "text" in named or "pair" in named:
        return {}
    found: list[tuple[str, str]] = []
    for pair in PAIRS:
        if {*pair} <= {*available} and not any(pair[1] == other for _, other in found):  # premise, not its context
            found.append(pair)
    if len(found) > 1:
        both = " and ".join("/".join(pair) for pair in found)
        raise DataError(f"{both} could each be the pair (choose with data.columns.text and data.columns.pair)")
    return dict(zip(("text", "pair"), found[0], strict=True)) if found else {}


def _refuse_ambiguous(task: Task, named: Named, column: str, found: Sequence[str]) -> None:
    """Raise DataError if two columns of the source fit and neither fits another of the task's columns."""
    elsewhere = {*named.values(), *(name for other, usual in task.columns.items() if other != column for name in usual)}
    others = {name.casefold() for name in elsewhere if isinstance(name, str)}
    fitting = [name for name in found if name.casefold() not in others]
    if len(fitting) > 1:
        both = " and ".join(repr(name) for name in fitting)
        raise DataError(f"{both} could each be the task's {column!r} (say which with data.columns.{column})")


def found_columns(choices: Sequence[str | int], available: Sequence[str]) -> list[str]:
    """The source's columns among the choices; numbers are indices of unnamed columns.

    If there is no exact match, a name that differs only in case is used.
    """
    unnamed = _are_numbers(available)
    found = []
    for choice in choices:
        if isinstance(choice, str):
            found += [name for name in (choice, clean_name(choice)) if name in available][:1]
        elif unnamed and -len(available) <= choice < len(available):
            found.append(available[choice])
    return found or _but_for_case(choices, available)


def _but_for_case(choices: Sequence[str | int], available: Sequence[str]) -> list[str]:
    alike: dict[str, list[str]] = {}
    for name in available:
        alike.setdefault(name.casefold(), []).append(name)
    found = [alike.get(choice.casefold(), []) for choice in choices if isinstance(choice, str)]
    return list(dict.fromkeys(names[0] for names in found if len(names) == 1))


def missing_column(column: str, wanted: str, available: Sequence[str], hint: str = "") -> DataError:
    """The error for a task's column that the source lacks. wanted: its possible names."""
    return DataError(
        f"no column {wanted} for the task's {column!r}; the columns are: {_listing(available)} "
        f"(say which with data.columns.{column}{hint})"
    )


def _listing(names: Sequence[str], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(name[:LONGEST_NAME] for name in names[:limit]) + more


def _are_numbers(names: Sequence[str]) -> bool:
    return all(name.isdecimal() for name in names)
