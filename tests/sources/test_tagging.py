from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities

from pefbench.errors import DataError
from pefbench.sources.tagging import entity_types, labels, spans, to_iob2
from tests.sources.amounts import files

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
@settings(max_examples=files(50))
@given(sentences=SENTENCES)
def test_every_scheme_becomes_the_same_iob2(scheme: str, sentences: list[list[Segment]]) -> None:
    tags, found, strays = to_iob2([write(scheme, sentence) for sentence in sentences], where)
    assert not strays
    assert tags == [write("IOB2", sentence) for sentence in sentences]
    has_entity = any(kind for sentence in sentences for kind, _ in sentence)
    touching = any(kind and kind == after for sentence in sentences for (kind, _), (after, _) in pairwise(sentence))
    if not has_entity:
        assert found == "IOB2"
    elif scheme == "IOB1":
        assert found == ("IOB1" if touching else "IO")
    else:
        assert found == scheme


@settings(max_examples=files(50))
@given(SENTENCES)
def test_iob2_stays_as_it_is(sentences: list[list[Segment]]) -> None:
    tags = [write("IOB2", sentence) for sentence in sentences]
    assert to_iob2(tags, where) == (tags, "IOB2", [])


def test_io_joins_neighbours_of_one_type() -> None:
    assert to_iob2([["I-PER", "I-PER", "I-LOC", "O", "I-LOC"]], where) == (
        [["B-PER", "I-PER", "B-LOC", "O", "B-LOC"]],
        "IO",
        [],
    )


def test_conll_2003_is_iob1() -> None:
    sentences = [["I-ORG", "O", "I-MISC", "O"], ["I-LOC", "B-LOC", "I-LOC"]]
    assert to_iob2(sentences, where) == ([["B-ORG", "O", "B-MISC", "O"], ["B-LOC", "B-LOC", "I-LOC"]], "IOB1", [])


def test_one_sentence_decides_for_all() -> None:
    ambiguous = ["I-PER", "I-PER"]
    assert to_iob2([ambiguous, ["I-LOC", "B-LOC"]], where).scheme == "IOB1"
    with pytest.raises(DataError, match="in IOB2, as most of the tags are"):
        to_iob2([ambiguous, ["O", "B-LOC"]], where, strict=True)


MIXED = "; all files of a data set need the same scheme"
KNOWN = "; known schemes: IOB1, IOB2, IOBES, BILOU, IO, with tags such as O, B-PER or I-PER"


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (
            [["O", "B-PER"], ["O", "I-PER", "O", "B-PER"], ["I-PER"]],
            "tag 'I-PER' at train.txt:11 begins an entity; in IOB2, as most of the tags are, that is 'B-PER'",
        ),
        (
            [["B-LOC", "I-PER"]],
            "tag 'I-PER' at train.txt:1 begins an entity; in IOB2, as most of the tags are, that is 'B-PER'",
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
            "entity of type LOC at train.txt:11 is not closed; IOBES ends one with E-, or writes S- for a single token",
        ),
        (
            [["U-PER", "B-LOC"]],
            "entity of type LOC at train.txt:1 is not closed; BILOU ends one with L-, or writes U- for a single token",
        ),
    ],
)
def test_wrong_tags_are_refused_with_their_place(sentences: list[list[str]], message: str) -> None:
    with pytest.raises(DataError) as refused:
        to_iob2(sentences, where, strict=True)
    assert str(refused.value) == message


def test_strays_do_not_change_the_entities() -> None:
    """CoNLL-2003's training file: IOB1, but a few entities begin with B- where none of their type stands before."""
    sound = [["I-ORG", "O", "I-MISC", "O"], ["I-PER", "I-PER", "O", "I-LOC"], ["I-LOC", "B-LOC", "I-LOC"]]
    strayed = [["I-ORG", "O", "I-MISC", "O"], ["I-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "B-LOC", "I-LOC"]]
    tags, scheme, strays = to_iob2(strayed, where)
    assert (tags, scheme) == to_iob2(sound, where)[:2]
    assert [(stray.sentence, stray.token) for stray in strays] == [(1, 3), (2, 0)]
    assert strays[0].fault == (
        "tag 'B-LOC' at train.txt:13 begins an entity; in IOB1, as most of the tags are, that is 'I-LOC'"
    )


IOB = [f"{prefix}-{kind}" for prefix in "BI" for kind in TYPES]
IOBES = [f"{prefix}-{kind}" for prefix in "BIES" for kind in TYPES]


@pytest.mark.parametrize("alphabet", [["O", *IOB], ["O", *IOBES]], ids=["IOB", "IOBES"])
@settings(max_examples=files(200))
@given(data=st.data())
def test_any_mix_has_the_entities_that_seqeval_finds(alphabet: list[str], data: st.DataObject) -> None:
    tags = data.draw(st.lists(st.sampled_from(alphabet), max_size=12))
    (converted,) = to_iob2([tags], where).tags
    assert [(kind, start, end - 1) for kind, start, end in spans(converted)] == get_entities(tags)


@settings(max_examples=files(100))
@given(tags=st.lists(st.sampled_from(["O", *IOBES]), max_size=12))
def test_bilou_closes_as_iobes_does(tags: list[str]) -> None:
    bilou = [tag.replace("E-", "L-").replace("S-", "U-") for tag in tags]
    assert to_iob2([bilou], where).tags == to_iob2([tags], where).tags


@settings(max_examples=files(100))
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
