"""ROUGE against rouge_score, and against Google's aggregation for one reference, written out."""

from __future__ import annotations

import re
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from pefbench.metrics import score
from pefbench.metrics.rouge import END, METRIC, _scorer
from tests.metrics.texts import CORPUS, ODD, ORDINARY, Corpus, check, draws_of

NAMES = ["rouge1", "rouge2", "rougeLsum"]


LINES: Any = {"sentences": "lines"}


def by_the_library(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    """Return the means of the best F-measure of each example, from scores of one pair at a time."""
    return by(RougeScorer(NAMES, use_stemmer=True), predictions, references)


def by(scorer: Any, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    return {
        name: fmean(
            max(scorer.score(target, text)[name].fmeasure for target in right)
            for text, right in zip(predictions, references, strict=True)
        )
        for name in NAMES
    }


@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_are_the_librarys(corpus: Corpus) -> None:
    check(METRIC(**LINES), corpus, by_the_library, draws=[0, 0, *range(len(corpus) - 2)])


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_corpus_and_resample_are_the_librarys(corpus: Corpus, data: st.DataObject) -> None:
    check(METRIC(**LINES), corpus, by_the_library, draws_of(data, corpus))


def test_stems_count_and_lines_are_sentences() -> None:
    values = METRIC().compute(predictions=["cats walked\nthe dogs"], references=[["the dog\ncat walks"]])
    assert values["rouge1"] == 1
    assert values["rougeLsum"] == 1
    one_line = METRIC().compute(predictions=["cats walked the dogs"], references=[["the dog cat walks"]])
    assert one_line["rougeLsum"] == 0.5


def test_a_summary_on_one_line_is_compared_by_its_sentences() -> None:
    predicted = "It rained (hard!) all day. The 3.5 km run was moved, e.g. to Monday. Nobody came."
    right = "Nobody came. It rained all day. The run was moved to Monday."
    apart = [re.sub(r"(?<=[.]) (?=[A-Z])", "\n", each) for each in (predicted, right)]
    found = METRIC().compute(predictions=[predicted], references=[[right]])
    scorer = RougeScorer(NAMES, use_stemmer=True)
    assert found["rougeLsum"] == pytest.approx(scorer.score(apart[1], apart[0])["rougeLsum"].fmeasure)
    together = METRIC(**LINES).compute(predictions=[predicted], references=[[right]])
    assert together == pytest.approx(by(scorer, [predicted], [[right]]))
    assert together["rougeLsum"] < 0.7
    assert found["rougeLsum"] > 0.75
    assert (together["rouge1"], together["rouge2"]) == (found["rouge1"], found["rouge2"])


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said "no." She left.', ['He said "no.', "She left."]),
        ("Version 3.5 of e.g. this is out.", ["Version 3.5 of e.g. this is out."]),
        ("天气好。我们去公园！好吗？好。", ["天气好。", "我们去公园！", "好吗？", "好。"]),
        ("Äpfel fallen. Über Nacht kam Schnee.", ["Äpfel fallen.", "Über Nacht kam Schnee."]),
        ("a\nb. C", ["a", "b.", "C"]),
        ("", [""]),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert END.sub("\n", text).split("\n") == sentences


@pytest.mark.parametrize(("tokenizer", "share"), [("words", 0.0), ("characters", 2 / 3)])
def test_other_scripts_are_scored_by_other_tokenizers(tokenizer: str, share: float) -> None:
    predictions, references = ["кот спит", "天气好"], [["кот спит"], ["好天冷"]]
    values = METRIC(tokenizer=tokenizer).compute(predictions=predictions, references=references)
    assert values["rouge1"] == pytest.approx((1 + share) / 2)
    assert METRIC().compute(predictions=predictions, references=references)["rouge1"] == 0


@pytest.mark.parametrize(
    ("tokenizer", "text", "parts"),
    [
        ("words", "हिन्दी भाषा, cafe\u0301s", ["हिन्दी", "भाषा", "cafe\u0301s"]),
        ("words", "a\ufe0f_b ❤\ufe0f İzmir", ["a\ufe0f", "b", "i\u0307zmir"]),
        ("characters", "กิน ด้วย", ["กิ", "น", "ด้", "ว", "ย"]),
    ],
)
def test_accents_and_vowel_signs_stay_with_their_letters(tokenizer: str, text: str, parts: list[str]) -> None:
    assert _scorer(("rouge1",), tokenizer)._tokenizer.tokenize(text) == parts


@pytest.mark.parametrize(
    ("options", "text", "refused"),
    [
        ({}, "天气好去公园", True),
        ({}, "今天 20 天", True),
        ({}, "кот спит на диване", True),
        ({}, "Der größere Bär läuft über die Straße", False),
        ({}, "the word 天气 means weather", False),
        ({}, "…", False),
        ({"tokenizer": "words"}, "кот спит на диване", False),
        ({"tokenizer": "words"}, "天气好去公园", True),
        ({"tokenizer": "characters"}, "天气好去公园", False),
    ],
)
def test_texts_that_it_cannot_divide_are_refused(options: dict[str, str], text: str, refused: bool) -> None:
    why = METRIC(**options).refusal([{"texts": [text]}])
    assert (why is not None) == refused
    assert why is None or re.match(
        r"it cannot divide \d+% of the references' letters into words, as in '.*'; name a tokenizer ", why
    )


def test_the_signature_says_what_was_done() -> None:
    references = [{"texts": right} for _, right in ORDINARY]
    found = score(METRIC(), [text for text, _ in ORDINARY], references)
    assert METRIC.headline in found
    assert "|stemmer:porter|measure:f|sentences:lines,.!?|references:best|ci:" in found["rougeLsum"]["signature"]
    assert METRIC(**LINES).signature().endswith("|stemmer:porter|measure:f|sentences:lines|references:best")
    words = METRIC(tokenizer="words").signature()
    assert words.endswith("|tok:words|marks:with-letters|measure:f|sentences:lines,.!?|references:best")
