"""BLEU and chrF against sacreBLEU."""

from __future__ import annotations

import time
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench import registry
from pefbench.metrics import make, score
from tests.metrics.intervals import ends
from tests.metrics.texts import CORPUS, ODD, ORDINARY, Corpus, check, draws_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.metrics._base import Metric

    Reference = Callable[[list[Any], list[Any]], dict[str, float]]


def bleu(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    return {"bleu": sacrebleu.corpus_bleu(predictions, [*map(list, zip_longest(*references))], force=True).score}


def lowercase(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    streams = [*map(list, zip_longest(*references))]
    return {"bleu_lowercase": sacrebleu.corpus_bleu(predictions, streams, lowercase=True, force=True).score}


def chrf(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    return {"chrf": sacrebleu.corpus_chrf(predictions, [*map(list, zip_longest(*references))]).score}


NAMED: list[Any] = [bleu, lowercase, chrf]


def of(reference: Any) -> Metric:
    name = "bleu_lowercase" if reference is lowercase else reference.__name__
    found: Metric = registry.find("metric", name)()
    return found


@pytest.mark.parametrize("reference", NAMED)
@pytest.mark.parametrize("corpus", ODD.values(), ids=ODD)
def test_values_are_the_librarys(corpus: Corpus, reference: Reference) -> None:
    check(of(reference), corpus, reference, draws=[0, 0, *range(len(corpus) - 2)])


@pytest.mark.parametrize("reference", NAMED)
@settings(max_examples=40, deadline=None)
@given(corpus=CORPUS, data=st.data())
def test_values_of_any_corpus_and_resample_are_the_librarys(
    reference: Reference, corpus: Corpus, data: st.DataObject
) -> None:
    check(of(reference), corpus, reference, draws_of(data, corpus))


def test_the_librarys_own_signature_is_in_ours() -> None:
    references = [{"texts": right} for _, right in ORDINARY]
    found = score(of(bleu), [text for text, _ in ORDINARY], references, decoding_signature="search:greedy|new:8")
    version = sacrebleu.__version__
    start = f"bleu|lib:sacrebleu|v:{version}|nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|search:greedy|new:8|ci:"
    assert found["bleu"]["signature"].startswith(start)
    assert of(lowercase).signature() == f"bleu_lowercase|lib:sacrebleu|v:{version}|case:lc|eff:no|tok:13a|smooth:exp"
    assert of(chrf).signature() == f"chrf|lib:sacrebleu|v:{version}|case:mixed|eff:yes|nc:6|nw:0|space:no"
    alone = score(of(bleu), ["a"], [{"texts": ["a"]}])
    assert "|nrefs:1|" in alone["bleu"]["signature"]


@pytest.mark.parametrize("reference", NAMED)
def test_a_thousand_examples_are_resampled_in_no_time(reference: Reference) -> None:
    predictions = [f"{text} {i}" for i in range(334) for text, _ in ORDINARY][:1000]
    references = [{"texts": [*right, str(i)]} for i in range(334) for _, right in ORDINARY][:1000]
    started = time.perf_counter()
    [found] = score(of(reference), predictions, references).values()
    low, high = ends(found)
    assert low < found["value"] < high
    assert time.perf_counter() - started < 20


CHINESE = [("早上好，今天我们去公园散步吧。", ["早上好，今天我们一起去公园里散步吧。"]), ("你好。", ["你好。"])]


@pytest.mark.parametrize("tokenizer", ["intl", "zh", "char"])
@pytest.mark.parametrize("corpus", [CHINESE, ORDINARY])
def test_a_tokenizer_is_sacrebleus_and_in_the_signature(corpus: Corpus, tokenizer: str) -> None:
    def reference(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        streams = [*map(list, zip_longest(*references))]
        return {"bleu": sacrebleu.corpus_bleu(predictions, streams, tokenize=tokenizer, force=True).score}

    metric = make({"name": "bleu", "tokenizer": tokenizer})
    assert f"|tok:{tokenizer}|" in metric.signature()
    check(metric, corpus, reference, draws=[0, 0])


@pytest.mark.parametrize("name", ["bleu", "bleu_lowercase", "rouge_l", "cider", "nist", "distinct"])
def test_a_script_without_spaces_is_refused(name: str) -> None:
    references = [{"texts": right} for _, right in CHINESE]
    told = "it cannot divide 100% of the references' letters into words, as in '早上好，今天我们一起去公园里散步吧。'; "
    assert str(make(name).refusal(references)).startswith(told)
    assert make(name).refusal([{"texts": right} for _, right in ORDINARY]) is None
    assert make("chrf").refusal(references) is None


@pytest.mark.parametrize(
    ("tokenizer", "text", "refused"),
    [
        ("zh", "早上好", False),
        ("zh", "おはようございます", True),
        ("char", "おはようございます", False),
        ("13a", "สวัสดีครับ", True),
        ("char", "สวัสดีครับ", False),
        ("13a", "доброе утро", False),
        ("13a", "good morning means 早上好", False),
    ],
)
def test_a_tokenizer_says_which_script_it_cannot_divide(tokenizer: str, text: str, refused: bool) -> None:
    why = make({"name": "bleu", "tokenizer": tokenizer}).refusal([{"texts": [text]}])
    assert (why is not None) == refused


def test_a_tokenizer_whose_packages_are_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pefbench.metrics._tokenizers.find_spec", lambda _: None)
    why = make({"name": "bleu", "tokenizer": "ja-mecab"}).refusal([{"texts": ["おはよう"]}])
    assert why == "its tokenizer ja-mecab needs other packages: pip install 'sacrebleu[ja]'"


def test_distinct_counts_words_of_its_tokenizer() -> None:
    values = make({"name": "distinct", "tokenizer": "zh"}).compute(predictions=["天天好"], references=[["天"]])
    assert values == {"distinct_1": pytest.approx(2 / 3), "distinct_2": 1.0}
