"""METEOR against nltk's, with a WordNet of a few words: nltk's own data is not in any package."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.meteor_score import single_meteor_score

from pefbench.metrics import meteor
from pefbench.metrics._ngrams import words
from tests.metrics.synonyms import Few
from tests.metrics.texts import CORPUS, ODD, Corpus, check, draws_of


@pytest.fixture(scope="module", autouse=True)
def few() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meteor, "synonyms", Few)
        yield


def by_nltk(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    best = [
        max(single_meteor_score(words(each), words(text), wordnet=Few()) for each in right)
        for text, right in zip(predictions, references, strict=True)
    ]
    return {"meteor": sum(best) / len(best)}


@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_are_nltks(corpus: Corpus) -> None:
    check(meteor.METRIC(), corpus, by_nltk, draws=[0, 0, *range(len(corpus) - 2)])


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_corpus_and_resample_are_nltks(corpus: Corpus, data: st.DataObject) -> None:
    check(meteor.METRIC(), corpus, by_nltk, draws_of(data, corpus))


def test_stems_and_synonyms_agree() -> None:
    same, related = (
        meteor.METRIC().compute(predictions=[text], references=[["the cats of the garden"]])["meteor"]
        for text in ("the cats of the garden", "the cat of the yard")
    )
    assert same == related == pytest.approx(1 - 0.5 * (1 / 5) ** 3)


def test_it_is_refused_where_wordnet_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def synsets(self, word: str) -> None:
            raise LookupError(word)

    assert meteor.METRIC().refusal([{"texts": ["a"]}]) is None
    assert meteor.METRIC().refusal([{"test": "a"}]) == "it needs 'texts' of every example, and example 0 has none"
    monkeypatch.setattr(meteor, "synonyms", Nothing)
    assert "it needs nltk's wordnet data, which is not installed" in str(meteor.METRIC().refusal([{"texts": ["a"]}]))
