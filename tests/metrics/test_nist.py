"""NIST against nltk's for one reference, and against mteval's arithmetic for several."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.nist_score import corpus_nist
from nltk.util import ngrams
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from pefbench.metrics import score
from pefbench.metrics.nist import METRIC
from tests.metrics.texts import CORPUS, ODD, ORDINARY, Corpus, check, draws_of

if TYPE_CHECKING:
    from collections.abc import Callable

SENTENCE = st.lists(
    st.sampled_from(["the", "a", "cat", "dog", "mat", "sat", "on", "in", "red", "big"]), min_size=5, max_size=12
)


def tokens(text: str) -> list[str]:
    return [str(token) for token in Tokenizer13a()(text).lower().split()]


def by_mteval(corpus: Corpus) -> Callable[[list[str], list[list[str]]], dict[str, float]]:
    """Return NIST with the information of a corpus's right texts: mteval-v13a's arithmetic, an n-gram at a time."""
    every = [tokens(text) for _, right in corpus for text in right]
    often = Counter(gram for text in every for n in range(1, 6) for gram in ngrams(text, n))

    def information(gram: tuple[str, ...]) -> float:
        before = often[gram[:-1]] if len(gram) > 1 else sum(map(len, every))
        return math.log(before / often[gram]) / math.log(2)

    def nist(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        total, length, wanted = 0.0, 0, 0.0
        for n in range(1, 6):
            got, generated = 0.0, 0
            for text, right in zip(predictions, references, strict=True):
                found = list(ngrams(tokens(text), n))
                allowed = [list(ngrams(tokens(each), n)) for each in right]
                got += sum(
                    information(gram) * min(found.count(gram), max(each.count(gram) for each in allowed))
                    for gram in set(found)
                    if any(gram in each for each in allowed)
                )
                generated += len(found)
            total += got / generated if generated else 0.0
        for text, right in zip(predictions, references, strict=True):
            length += len(tokens(text))
            wanted += sum(len(tokens(each)) for each in right) / len(right)
        share = min(1.0, length / wanted) if wanted else 0.0
        if not share:
            return {"nist": 0.0}
        return {"nist": total * math.exp(math.log(0.5) * (math.log(share) / math.log(1.5)) ** 2)}

    return nist


@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_are_mtevals(corpus: Corpus) -> None:
    check(METRIC(), corpus, by_mteval(corpus), draws=[0, 0, *range(len(corpus) - 2)])


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_corpus_and_resample_are_mtevals(corpus: Corpus, data: st.DataObject) -> None:
    check(METRIC(), corpus, by_mteval(corpus), draws_of(data, corpus))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=5))
def test_with_one_right_text_it_is_nltks(pairs: list[tuple[list[str], list[str]]]) -> None:
    expected = corpus_nist([[right] for _, right in pairs], [text for text, _ in pairs])
    found = METRIC().compute(
        predictions=[" ".join(text) for text, _ in pairs], references=[[" ".join(right)] for _, right in pairs]
    )
    assert found["nist"] == pytest.approx(expected, abs=1e-9)


def test_two_thirds_of_the_length_halve_it() -> None:
    right = "one two three four five six"
    whole = METRIC().compute(predictions=[right, "seven eight nine"], references=[[right], ["seven eight nine"]])
    part = METRIC().compute(predictions=[right, ""], references=[[right], ["seven eight nine"]])
    assert part["nist"] == pytest.approx(whole["nist"] / 2)
    assert whole["nist"] == pytest.approx(math.log2(9))  # each word once: its information, and none of what follows


def test_the_signature_names_the_rules() -> None:
    references = [{"texts": right} for _, right in ORDINARY]
    found = score(METRIC(), [text for text, _ in ORDINARY], references)["nist"]
    assert found["signature"].startswith("nist|script:mteval-v13a|n:5|tok:13a|case:lc|references:union,mean-length|")
