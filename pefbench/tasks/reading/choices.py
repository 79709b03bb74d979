"""Choices: wrong candidates are drawn from a split, and their order does not reveal the right one.

Both depend on the sha256 of a text, such as the example's own, so neither the order of rows nor the training seed
changes an example.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pefbench.errors import DataError
from pefbench.heads.examples import ChoiceExample
from pefbench.sources import normalise
from pefbench.sources.draws import random_numbers
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pefbench.sources import Row

PLACES = ("first", "second", "third", "fourth", "fifth")
"""The task's names of columns with one candidate each."""
LETTER = re.compile(r"[A-Za-z]")
NUMBERED = re.compile(r"(?:[^\W\d]+)?([0-9]+)")
"""A label that is a number, or a name that ends in one: ``3``, ``choice1``."""


class Pool:
    """Texts of one split from which wrong candidates are drawn.

    A text that occurs twice is drawn twice as often. If the pool has every right answer of the split, as often as it is
    right, no text is more likely to be right than another. For uniform distractors, give each text once.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)
        self._keys = [normalise(text) for text in self._texts]

    def distractors(self, wanted: int, seed_text: str, exclude: Iterable[str]) -> list[str]:
        """Draw `wanted` texts that, after normalisation, differ from each other and from `exclude`.

        exclude: the right answer, and everything else that would be right. Raises DataError if there are too few.
        """
        taken = {normalise(text) for text in exclude}
        drawn: list[str] = []
        for index in self._draws(wanted, seed_text):
            if len(drawn) == wanted:
                break
            if self._keys[index] not in taken:
                taken.add(self._keys[index])
                drawn.append(self._texts[index])
        if len(drawn) < wanted:
            raise DataError(f"{wanted} wrong candidates are needed, but the split has only {len(drawn)} different ones")
        return drawn

    def _draws(self, wanted: int, seed_text: str) -> Iterator[int]:
        """Random indices; then every index once, in case texts are few or repeated."""
        generator = random_numbers(seed_text)
        if self._texts:
            yield from generator.integers(len(self._texts), size=4 * wanted).tolist()
        yield from generator.permutation(len(self._texts)).tolist()


def shuffled(candidates: Sequence[str], right: int, seed_text: str) -> tuple[tuple[str, ...], int]:
    """The candidates in an order determined by the text's hash, and the right one's new index."""
    order = random_numbers(f"order\n{seed_text}").permutation(len(candidates)).tolist()
    return tuple(candidates[index] for index in order), order.index(right)


class Question(NamedTuple):
    """A context and its right answer.

    wrong: the data's other candidates; empty: draw them from the split's other right answers of the same `kind`.
    cluster: see `pefbench.heads.examples`. also_right: other texts that must not be drawn.
    """

    row: Row
    context: str
    right: str
    wrong: tuple[str, ...] = ()
    kind: str = ""
    cluster: str = ""
    also_right: tuple[str, ...] = ()


def among(row: Row, context: str, candidates: Sequence[str], right: int) -> Question:
    """A question with the data's candidates. right: the index of the right one, from 0."""
    return Question(row, context, candidates[right], (*candidates[:right], *candidates[right + 1 :]))


def examples(questions: Sequence[Question], candidates: int) -> list[ChoiceExample]:
    """One split's examples, with shuffled candidates; if the data have none, `candidates` of them, drawn.

    An answer that is right for a context anywhere in the split is never drawn as wrong for it. Raises DataError if
    there are too few texts to draw.
    """
    pools = {
        kind: Pool(each.right for each in questions if each.kind == kind and not each.wrong)
        for kind in {each.kind for each in questions}
    }
    right: dict[str, list[str]] = defaultdict(list)
    for each in questions:
        right[normalise(each.context)] += [each.right, *each.also_right]
    made = []
    for each in questions:
        seed = f"{each.context}\n{each.right}"
        wrong: Sequence[str] = each.wrong
        if not wrong:
            try:
                wrong = pools[each.kind].distractors(candidates - 1, seed, right[normalise(each.context)])
            except DataError as error:
                raise DataError(f"{each.row.where}: {error} (set options.candidates)") from None
        candidates_and_right = shuffled((each.right, *wrong), 0, seed)
        made.append(ChoiceExample(each.context, *candidates_and_right, each.cluster, group=each.row.group))
    return made


def texts(value: object, row: Row, column: str) -> list[str]:
    """A row's candidates: a list or, in formats without lists (CSV, TSV), a JSON list.

    Raises DataError unless they are at least two texts; it uses the user's own name of `column`.
    """
    found = values.as_list(value)
    if found is None or len(found) < 2 or not all(isinstance(each, str) and each.strip() for each in found):
        raise values.wrong(row, column, "two or more texts", value)
    return found


def is_letter(label: object) -> bool:
    """Whether a label is a letter; A is the first candidate."""
    return isinstance(label, str) and LETTER.fullmatch(label.strip()) is not None


def number(label: object) -> int | None:
    """The number of a label that is a number, ends in one, or is a letter (A is 0); otherwise None."""
    if isinstance(label, str) and is_letter(label):
        return ord(label.strip().upper()) - ord("A")
    if isinstance(label, str):
        found = NUMBERED.fullmatch(label.strip())
        return int(found[1]) if found else None
    value = values.whole(label)
    return value if type(value) is int else None


def place(row: Row, column: str, candidates: int, first: int = 0) -> int:
    """The index, from 0, of the candidate that a row's label names. first: the first one's number. Raises DataError."""
    label = row.values[column]
    found = number(label)
    right = -1 if found is None else found - (0 if is_letter(label) else first)
    if not 0 <= right < candidates:
        wanted = f"the number (from {first}) or the letter (from A) of one of {candidates} candidates"
        raise values.wrong(row, column, wanted)
    return right
