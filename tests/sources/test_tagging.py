from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Entities

from pefbench.errors import DataError
from pefbench.sources.tagging import entity_types, labels, spans, to_iob2

TYPES = ["PER", "LOC", "geo-loc"]
Segment = tuple[str, int]  # type ("" outside) and number of tokens
SENTENCES = st.lists(st.lists(st.tuples(st.sampled_from(["", *TYPES]), st.integers(1, 3)), max_size=6), max_size=4)


def where(sentence: int, token: int) -> str:
    return f"train.txt:{10 * sentence + token}"


def entity(scheme: str, kind: str, length: int, before: str) -> list[str]:
    """Write one entity, as the definitions of the schemes say."""
    if scheme == "IO":
        return [f"I-{kind}"] * length
    if scheme == "IOB1":
        return [f"{'B' if before == kind else 'I'}-{kind}", *[f"I-{kind}"] * (length - 1)]
    if scheme == "IOB2":
        return [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
    last, single = {"IOBES": ("E", "S"), "BILOU": ("L", "U")}[scheme]
    return [f"{single}-{kind}"] if length == 1 else [f"B-{kind}", *[f"I-{kind}"] * (length - 2), f"{last}-{kind}"]


def write(scheme: str, sentence: list[Segment]) -> list[str]:
    tags: list[str] = []
    for position, (kind, length) in enumerate(sentence):
        before = sentence[position - 1][0] if position else ""
        tags += entity(scheme, kind, length, before) if kind else ["O"] * length
    return tags


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "IOBES", "BILOU"])
@settings(max_examples=50)
@given(sentences=SENTENCES)
def test_every_scheme_becomes_the_same_iob2(scheme: str, sentences: list[list[Segment]]) -> None:
    tags, found = to_iob2([write(scheme, sentence) for sentence in sentences], where)
    assert tags == [write("IOB2", sentence) for sentence in sentences]
    has_entity = any(kind for sentence in sentences for kind, _ in sentence)
    touching = any(kind and kind == after for sentence in sentences for (kind, _), (after, _) in pairwise(sentence))
    if not has_entity:
        assert found == "IOB2"
    elif scheme == "IOB1":
        assert found == ("IOB1" if touching else "IO")
    else:
        assert found == scheme


@settings(max_examples=50)
@given(SENTENCES)
def test_iob2_stays_as_it_is(sentences: list[list[Segment]]) -> None:
    tags = [write("IOB2", sentence) for sentence in sentences]
    assert to_iob2(tags, where) == (tags, "IOB2")


def test_io_joins_neighbours_of_one_type() -> None:
    assert to_iob2([["I-PER", "I-PER", "I-LOC", "O", "I-LOC"]], where) == (
        [["B-PER", "I-PER", "B-LOC", "O", "B-LOC"]],
        "IO",
    )


def test_conll_2003_is_iob1() -> None:
    sentences = [["I-ORG", "O", "I-MISC", "O"], ["I-LOC", "B-LOC", "I-LOC"]]
    assert to_iob2(sentences, where) == ([["B-ORG", "O", "B-MISC", "O"], ["B-LOC", "B-LOC", "I-LOC"]], "IOB1")


def test_one_sentence_decides_for_all() -> None:
    ambiguous = ["I-PER", "I-PER"]
    assert to_iob2([ambiguous, ["I-LOC", "B-LOC"]], where)[1] == "IOB1"
    with pytest.raises(DataError, match="IOB1 and IOB2"):
        to_iob2([ambiguous, ["O", "B-LOC"]], where)


MIXED = "; all files of a data set need the same scheme"
KNOWN = "; known schemes: IOB1, IOB2, IOBES, BILOU, IO, with tags such as O, B-PER or I-PER"


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (
            [["O", "B-PER"], ["O", "I-PER", "O", "B-PER"], ["I-PER"]],
            "tags mix IOB1 and IOB2: an entity begins with I- at train.txt:11 and one begins with B- at train.txt:1"
            + MIXED,
        ),
        (
            [["B-LOC", "I-PER"]],
            "tags mix IOB1 and IOB2: an entity begins with I- at train.txt:1 and one begins with B- at train.txt:0"
            + MIXED,
        ),
        ([["S-PER"], ["O", "U-PER"]], "tags mix IOBES and BILOU: S- at train.txt:0 and U- at train.txt:11" + MIXED),
        ([["O", "PER"]], "tag 'PER' at train.txt:1 has no prefix" + KNOWN),
        ([["O", ""]], "tag '' at train.txt:1 has no prefix" + KNOWN),
        ([["O"], ["X-PER"]], "tag 'X-PER' at train.txt:10 has the unknown prefix 'X'" + KNOWN),
        ([["b-PER"]], "tag 'b-PER' at train.txt:0 has the unknown prefix 'b'" + KNOWN),
        ([["B-"]], "tag 'B-' at train.txt:0 has no entity type" + KNOWN),
        ([["B--PER"]], "tag 'B--PER' at train.txt:0 has an entity type that begins or ends with a hyphen"),
        (
            [["S-PER", "E-PER"]],
            "tag 'E-PER' at train.txt:1 continues no entity of type PER; IOBES begins one of several tokens with B-",
        ),
        (
            [["B-PER", "L-LOC"]],
            "tag 'L-LOC' at train.txt:1 continues no entity of type LOC; BILOU begins one of several tokens with B-",
        ),
        (
            [["S-PER"], ["B-LOC", "I-LOC", "O"]],
            "entity of type LOC at train.txt:11 is not ended; IOBES ends one with E-, or writes S- for a single token",
        ),
        (
            [["U-PER", "B-LOC"]],
            "entity of type LOC at train.txt:1 is not ended; BILOU ends one with L-, or writes U- for a single token",
        ),
    ],
)
def test_wrong_tags_are_refused_with_their_place(sentences: list[list[str]], message: str) -> None:
    with pytest.raises(DataError) as refused:
        to_iob2(sentences, where)
    assert str(refused.value) == message


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in TYPES)]), max_size=12))
def test_spans_are_those_of_seqeval_also_in_invalid_sequences(tags: list[str]) -> None:
    (expected,) = Entities([tags], IOB2).entities
    assert spans(tags) == [(found.tag, found.start, found.end) for found in expected]


def test_spans_of_invalid_sequences() -> None:
    assert spans(["I-PER", "B-PER", "I-PER", "I-LOC", "I-PER", "B-LOC", "B-LOC"]) == [
        ("PER", 1, 3),
        ("LOC", 5, 6),
        ("LOC", 6, 7),
    ]


def test_labels_have_both_tags_of_every_type() -> None:
    sentences = [["O", "B-PER"], ["B-creative-work", "I-creative-work"]]
    assert entity_types(sentences) == ["PER", "creative-work"]
    assert labels(sentences) == ["O", "B-PER", "I-PER", "B-creative-work", "I-creative-work"]
    assert labels([["O"]]) == ["O"]
