"""Tags that follow no scheme are read as those of a scheme if the meaning is clear."""

from __future__ import annotations

import pytest

from pefbench.sources import bare_tags

O3 = ["O", "O", "O"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["B_PER", "I_PER", "O"], ["B-PER", "I-PER", "O"]),
        (["PER-B", "PER-I", "O"], ["B-PER", "I-PER", "O"]),
        (["b-per", "i-per", "o"], ["B-per", "I-per", "O"]),
        (["B", "I", "O"], ["B-ENTITY", "I-ENTITY", "O"]),
        (["person-actor", "person-actor", "O"], ["I-person-actor", "I-person-actor", "O"]),
    ],
)
def test_tags_become_those_of_a_scheme(written: list[str], read: list[str]) -> None:
    found = bare_tags.in_scheme([O3, written])
    assert found is not None
    assert found.tags == [O3, read]
    assert found.note == f"{3 - read.count('O') + ('o' in written)} tags such as {written[0]!r} are read as {read[0]!r}"


@pytest.mark.parametrize(
    "tags",
    [
        ["B-PER", "I-PER", "O"],
        ["O", "O", "O"],
        ["B-PER", "LOC", "O"],  # one of them is a slip
        ["NOUN", "VERB", "NOUN"],  # parts of speech
        ["B", "O", "V"],  # of which the O of tweets is one
        ["", "O", "O"],
    ],
)
def test_what_is_not_clear_stays(tags: list[str]) -> None:
    assert bare_tags.in_scheme([tags]) is None


def test_an_o_alone_may_be_small() -> None:
    found = bare_tags.in_scheme([["o", "B-PER"]])
    assert found == ([["O", "B-PER"]], "1 tags such as 'o' are read as 'O'")
