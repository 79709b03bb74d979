"""Scripts answer like the heads for any model outputs: the same rows, windows, offsets and probabilities."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from pefbench.export.heads import choice, marked, multi_label, regression, sequence, span
from pefbench.export.replay import difference
from pefbench.heads.choice import ChoiceHead
from pefbench.heads.examples import ChoiceExample, MarkedExample, SequenceExample, SpanExample
from pefbench.heads.marked import MarkedHead
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.span import SpanHead
from pefbench.inference import kind as kinds
from pefbench.inference.kind import Query
from pefbench.trial.batching import collate
from tests.export.scripts import Session, parts_of, reader_of
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS = ["one", "two", "three"]
SETTINGS = {"sequence": sequence, "span": span, "marked": marked, "choice": choice}
DRAW = random.Random(5)


def text(most: int) -> str:
    return "".join(DRAW.choices("ab e\u0301\u4e00.", k=DRAW.randint(0, most)))


def scores(width: int, *, of_tokens: bool) -> Callable[[list[int]], Any]:
    """Scores that depend on a row's tokens and their places."""

    def found(ids: list[int]) -> Any:
        seeds = np.cumsum(ids) * 7 + np.arange(len(ids))
        each = np.stack([np.random.default_rng(int(seed)).normal(size=width) for seed in seeds])
        return (each if of_tokens else each[-1]).astype(np.float32)

    return found


def model(compute: Callable[[list[int]], Any]) -> Any:
    """A model with these scores."""

    def run(*, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
        rows = [row[: sum(seen)] for row, seen in zip(input_ids.tolist(), attention_mask.tolist(), strict=True)]
        outputs = [torch.from_numpy(compute(row)) for row in rows]
        logits = torch.nn.utils.rnn.pad_sequence(outputs, batch_first=True) if outputs[0].ndim == 2 else None
        found = torch.stack(outputs) if logits is None else logits
        return SimpleNamespace(logits=found, start_logits=found[..., 0], end_logits=found[..., -1])

    return run


def spans() -> tuple[Any, dict[str, Any]]:
    example = SpanExample(text(20), text(40), ())
    return example, {"question": example.question, "context": example.context}


def markeds() -> tuple[Any, dict[str, Any]]:
    before, first, between, second, after = (text(3) or "x" for _ in range(5))
    whole = before + first + between + second + after
    at = len(before), len(before + first)
    places = at, (at[1] + len(between), at[1] + len(between + second))
    one, two = DRAW.sample(places, 2)
    given = {"text": whole, "first": [*one], "second": [*two]}
    if DRAW.random() < 0.5:
        tags = ("1", "2") if one < two else ("2", "1")
        pieces = (before, first, between, second, after)
        given = {"text": "{}<e{t}>{}</e{t}>{}<e{u}>{}</e{u}>{}".format(*pieces, t=tags[0], u=tags[1])}
    else:  # with offsets, a tag is text
        whole = given["text"] = f"{whole}<e1>"
    return MarkedExample(whole, one, two, "one"), given


def choices() -> tuple[Any, dict[str, Any]]:
    example = ChoiceExample(text(25), tuple(f"{text(most)}." for most in (20, 20, 5)), 0)
    return example, {"context": example.context, "candidates": [*example.candidates]}


def texts() -> tuple[Any, dict[str, Any]]:
    example = SequenceExample(text(25), "one", DRAW.choice([None, text(20) + "."]))
    return example, {"text": example.text, "pair": example.pair}


@pytest.mark.parametrize("architecture", ["bert", "llama", "gpt2"])
@pytest.mark.parametrize(
    ("kind", "head", "draw", "width", "of_tokens"),
    [
        ("span", SpanHead(no_answers=True), spans, 2, True),
        ("span", SpanHead(overlap=3, max_answer_length=4), spans, 2, True),
        ("marked", MarkedHead(LABELS), markeds, 6, True),
        ("marked", MarkedHead(LABELS, causal=True), markeds, 9, True),
        ("choice", ChoiceHead(keep="start"), choices, 1, False),
        ("choice", ChoiceHead(keep="end").pooled(), choices, 1, True),
        ("sequence", SequenceHead(LABELS), texts, 3, False),
        ("sequence", SequenceHead(LABELS).pooled(), texts, 3, True),
    ],
)
def test_answers_are_those_of_the_head(
    kind: str, head: Any, draw: Any, width: int, of_tokens: bool, architecture: str
) -> None:
    tokenizer, compute, own = single_bytes(architecture), scores(width, of_tokens=of_tokens), SETTINGS[kind]
    settings, answer = own.settings(head, tokenizer, 24), parts_of(kind, own.traits(head, tokenizer))["answer"]
    reader = reader_of(tokenizer, 24 if kind == "sequence" else None)
    truncated = 0
    for _ in range(40):
        example, given = draw()
        encoded = head.encode(tokenizer, [example], 24)
        batch = collate(encoded, [0])
        if kind == "choice":
            found = [(each, None) for each in head.predict(model(compute), batch, encoded.decoding)]
        else:
            found = head.scored(model(compute), batch, encoded.decoding)
        expected = kinds.find(kind).answer(Query([example]), head, found, truncated=bool(encoded.cut[0]))
        far = difference(expected, answer(given, settings, reader, Session(compute)))
        assert far is not None
        assert far < 1e-5
        truncated += expected["truncated"]
    assert 0 < truncated < 40


def test_label_sets_and_scores_come_from_the_same_logits() -> None:
    tokenizer = single_bytes("bert")
    reader = reader_of(tokenizer, 24)
    session = Session(lambda ids: [len(ids) / 4 - 2, 0.0])
    laid = {**sequence.settings(SequenceHead(["a", "b"]), tokenizer, 24), "thresholds": {"a": 0.5, "b": 0.6}}
    answer = parts_of("multi_label", multi_label.traits(SequenceHead(["a", "b"]), tokenizer))["answer"]
    found = [answer({"text": "x" * length}, laid, reader, session) for length in (2, 6, 30)]
    assert [each["labels"] for each in found] == [[], ["a"], ["a"]]
    assert found[1]["probabilities"] == {"a": 0.5, "b": 0.5}
    scale = {"mean": 2.0, "spread": 3.0, "range": [0.0, 8.0]}
    answer = parts_of("regression", regression.traits(SequenceHead([]), tokenizer))["answer"]
    found = [answer({"text": "x" * length}, {**laid, **scale}, reader, session) for length in (2, 6, 30)]
    assert found == [
        {"score": 0.0, "truncated": False},
        {"score": 2.0, "truncated": False},
        {"score": 8.0, "truncated": True},
    ]
