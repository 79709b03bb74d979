"""Final-answer accuracy: PEFT's rule against a second implementation, on any text; and refusals."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.metrics.final_answer_accuracy import MARKERS, FinalAnswerAccuracy, final_answer, is_right
from tests.metrics.texts import check, draws_of

NUMBER = st.one_of(
    st.integers(-9999, 9999).map(str),
    st.decimals(-999, 999, places=2).map(str),
    st.tuples(st.integers(-99, 99), st.integers(-9, 99)).map("{0[0]}/{0[1]}".format),
    st.sampled_from(["1,000", "1000.0", "2e3", "1/2/3", "x", "\\boxed{4}", "seven", "-.5", "4 apples", "", "1 / 4"]),
)
PIECE = st.one_of(
    st.sampled_from([*MARKERS, "The answer is", "####", "\n", "\n\n", " ", ".", "!", "?", "$", "%", " and so "]), NUMBER
)
TEXT = st.lists(PIECE, max_size=8).map("".join)
REFERENCE = st.tuples(TEXT, st.sampled_from(MARKERS), NUMBER.filter(bool)).map("".join)
PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def answer_by_hand(text: str) -> str | None:
    """Return the final answer, read from the left, one character after the other."""
    kept = re.sub(r"[.!?]*\Z", "", text.strip())
    for marker in MARKERS:
        starts = [at for at in range(len(kept)) if kept[at : at + len(marker)] == marker]
        if starts:
            line = re.match(r"[^\n]*", kept[starts[-1] + len(marker) :].strip())
            assert line
            return re.sub(r"^[ .!?$%]+|[ .!?$%]+$", "", line.group())
    return None


def number_by_hand(answer: str) -> float | None:
    """Return the number or the fraction of two, as an exact one rounded once."""
    parts = [part.strip() for part in answer.split("/")]
    if len(parts) > 2 or not all(map(PLAIN.fullmatch, parts)):
        return None
    first, second = Fraction(parts[0]), Fraction(parts[1] if len(parts) == 2 else 1)
    return float(first / second) if second else None


def by_hand(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    right = 0
    for text, [reference] in zip(predictions, references, strict=True):
        found, wanted = answer_by_hand(text), answer_by_hand(reference)
        assert wanted is not None
        if found is None:
            continue
        numbers = number_by_hand(found), number_by_hand(wanted)
        right += found == wanted if numbers == (None, None) else numbers[0] == numbers[1]
    return {"final_answer_accuracy": right / len(predictions)}


@given(TEXT)
def test_the_final_answer_is_the_rules(text: str) -> None:
    assert final_answer(text) == answer_by_hand(text)


@given(st.lists(st.tuples(TEXT | REFERENCE, REFERENCE.map(lambda one: [one])), min_size=1, max_size=6), st.data())
def test_values_of_any_corpus_and_resample_are_the_rules(
    corpus: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    check(FinalAnswerAccuracy(), corpus, by_hand, draws_of(data, corpus))


@pytest.mark.parametrize(
    ("text", "reference", "right"),
    [
        ("So it is $4^2 = 16$.The answer is: 16", "He has <<4*4=16>>16.\n#### 16", True),
        ("The answer is: $16.00.", "#### 16", True),
        ("The answer is 50%", "#### 50", True),
        ("The answer is: 20/35", "#### 0.5714285714285714", True),
        ("The answer is: 1\nNo. The answer is: 2\n\nQuestion: 3", "#### 2", True),
        ("#### 5 The answer is: 6", "#### 5", False),  # the first marker of the list counts
        ("16", "#### 16", False),
        ("The answer is: 1,000", "#### 1000", False),  # the rule leaves commas in
        ("The answer is: 1,000", "#### 1,000", True),
        ("The answer is: x", "#### X", False),
        ("The answer is: 1/0", "#### 1/0", True),
        ("The answer is: NaN", "#### NaN", False),  # a number that is not itself
        ("The answer is: sNaN", "#### sNaN", True),  # no float: the rule's own script stops here
        ("", "#### 0", False),
    ],
)
def test_what_is_right(text: str, reference: str, right: bool) -> None:
    assert is_right(text, [reference]) is right


def test_any_of_several_references_will_do() -> None:
    assert is_right("#### 2", ["#### 1", "#### 2"])


def test_references_without_a_final_answer_are_refused() -> None:
    metric = FinalAnswerAccuracy()
    assert metric.refusal([{"texts": ["#### 1"]}, {"texts": ["The answer is 2"]}]) is None
    assert str(metric.refusal([{"texts": ["#### 1"]}, {"texts": ["#### 1", "two"]}])) == (
        "it needs a final answer: 'The answer is: X', or '#### X', and the reference of example 1 has none"
    )
    with pytest.raises(ValueError, match="'two' has no final answer"):
        metric.compute(predictions=["#### 2"], references=[["two"]])


def test_the_signature_names_the_benchmark_and_its_rule() -> None:
    assert FinalAnswerAccuracy().signature() == (
        "final_answer_accuracy|rule:peft method_comparison/MetaMathQA|"
        "answer:last-behind-marker|numbers:float|else:exact|commas:kept"
    )
