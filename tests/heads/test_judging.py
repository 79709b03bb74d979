"""A judge's ratings are part of the answers, both a model's and a baseline's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pefbench.heads.examples import GenerationExample
from pefbench.heads.generation import GenerationDataset
from tests import tiny

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOME = [GenerationExample("a", "b", facts={"loud": True}), GenerationExample("c", "d", facts={"loud": False})]


class Loudness:
    """Says whether a text is in capitals, and how many of the split are."""

    signature = "judge:capitals"

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> list[dict[str, Any]]:
        assert [*examples] == SOME
        loud = [text.isupper() for text in texts]
        return [{"loud": each, "all": sum(loud)} for each in loud]

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        return bool(verdict["loud"] == facts["loud"])


def head_of(**options: Any) -> Any:
    return GenerationDataset({}, **options).head(cast("Any", tiny.config("gpt2")))


def test_verdicts_stand_beside_the_text_and_what_the_model_said() -> None:
    head = head_of(judge=Loudness())
    likely = {"text": "x", "nll": 2.0, "pieces": 3}
    assert head.answers.judged(["A", likely], SOME) == [
        {"text": "A", "loud": True, "all": 1},
        {"text": "x", "nll": 2.0, "pieces": 3, "loud": False, "all": 1},
    ]
    assert head.answers.judge_signature == "judge:capitals"
    assert head.answers.decoding_signature == "search:greedy|new:64"


def test_the_judge_says_what_is_right() -> None:
    head = head_of(judge=Loudness())
    answers = head.answers.judged(["A", "D"], SOME)
    references = head.answers.references(SOME)
    assert [head.answers.correct(*pair) for pair in zip(answers, references, strict=True)] == [True, False]
    assert head_of().answers.correct("b", references[0])


def test_without_a_judge_answers_stay_as_they_are() -> None:
    assert head_of().answers.judged(["A", "b"], SOME) == ["A", "b"]
    assert head_of().answers.judge_signature == ""


def test_the_round_trip_looks_at_verdicts_too() -> None:
    head = head_of(judge=Loudness(), likelihood=True)
    before = {"text": "x", "nll": 2.0, "pieces": 3, "loud": False}
    assert head.answers.same(before, before | {"nll": 2.001})
    assert not head.answers.same(before, before | {"loud": True})
    assert not head_of(judge=Loudness()).answers.same({"text": "x", "loud": False}, {"text": "x", "loud": True})
