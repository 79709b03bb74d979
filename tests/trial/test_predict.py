"""Prediction: every example once and in order, batched by length, with the same answers as alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pefbench.heads.examples import GenerationExample, SequenceExample, TokenExample
from pefbench.heads.generation import GenerationDataset
from pefbench.heads.head import forward
from pefbench.heads.search import Search
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.token import TokenHead
from pefbench.trial import devices
from pefbench.trial.batching import collate, sorted_batches
from pefbench.trial.predict import predict
from tests import tiny
from tests.tokenizers import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from pefbench.heads import Encoded, Head

LENGTHS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12)


def text(number: int, length: int) -> str:
    return " ".join(f"w{4 + (7 * number + 5 * place) % 60}" for place in range(length))


def alone(head: Head, model: nn.Module, encoded: Encoded) -> list[Any]:
    with torch.inference_mode():
        return [head.predict(model, collate(encoded, [i]), [asked])[0] for i, asked in enumerate(encoded.decoding)]


def predicted(
    head: Head, model: nn.Module, encoded: Encoded, size: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Any], list[list[Any]]]:
    """Return the answers, and what was asked in each batch."""
    batches: list[list[Any]] = []
    predict_batch = head.predict

    def noted(model: nn.Module, batch: Any, decoding: Sequence[Any]) -> list[Any]:
        batches.append(list(decoding))
        return predict_batch(model, batch, decoding)

    with monkeypatch.context() as patched:
        patched.setattr(head, "predict", noted)
        accelerator = devices.accelerator("fp32")
        return predict(model, encoded, head, accelerator, batch_size=size, what="test"), batches


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LENGTHS, st.integers(1, 6))
def test_prompts_are_sorted_by_their_length_and_answers_keep_their_order(
    monkeypatch: pytest.MonkeyPatch, lengths: list[tuple[int, int]], size: int
) -> None:
    # how long the right answer is has nothing to do with the order
    examples = [GenerationExample(text(i, asked), text(i, right)) for i, (asked, right) in enumerate(lengths)]
    model = tiny.causal_lm("llama", initializer_range=0.5)
    head = GenerationDataset({}, search=Search(max_new_tokens=3)).head(model.config)
    encoded = head.encode(words("llama"), examples, 24)
    found, batches = predicted(head, model, encoded, size, monkeypatch)
    assert found == alone(head, model, encoded)
    asked = [len(each.ids) for batch in batches for each in batch]
    assert asked == sorted((len(each.ids) for each in encoded.decoding), reverse=True)
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert len(asked) == len(examples)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LENGTHS, st.integers(1, 6))
def test_classes_are_predicted_as_each_text_alone(
    monkeypatch: pytest.MonkeyPatch, lengths: list[tuple[int, int]], size: int
) -> None:
    examples = [SequenceExample(text(i, length), f"c{label % 3}") for i, (length, label) in enumerate(lengths)]
    model = tiny.sequence_classifier("bert", initializer_range=0.5)
    head = SequenceHead(["c0", "c1", "c2"])
    encoded = head.encode(words("bert"), examples, 24)
    found, batches = predicted(head, model, encoded, size, monkeypatch)
    assert found == alone(head, model, encoded)
    assert sum(map(len, batches)) == len(examples)


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("kind", ["token", "sequence", "generation"])
def test_fitted_batches_score_as_others_do(kind: str, *, bf16: bool) -> None:
    lengths = np.random.default_rng(0).geometric(0.2, 40).clip(1, 20).tolist()
    texts = [text(i, length) for i, length in enumerate(lengths)]
    head: Head
    examples: list[Any]
    if kind == "generation":
        examples, model = [GenerationExample(each, text(1, 3)) for each in texts], tiny.causal_lm("llama")
        head = GenerationDataset({}, search=Search(max_new_tokens=3)).head(model.config)
    elif kind == "token":
        examples = [TokenExample(tuple(each.split()), ("O",) * len(each.split())) for each in texts]
        model, head = tiny.model("bert"), TokenHead(["O", "B-a", "I-a"])
    else:
        examples, model = [SequenceExample(each, "c1") for each in texts], tiny.sequence_classifier("bert")
        head = SequenceHead(["c0", "c1", "c2"])
    encoded = head.encode(words("llama" if kind == "generation" else "bert"), examples, 24)
    found = []
    for fitted in (False, True):
        rows: dict[int, torch.Tensor] = {}
        batches = sorted_batches(head.prediction_lengths(encoded), 16, fitted=fitted)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            for batch in batches:
                logits = forward(model.eval(), collate(encoded, batch)).logits
                for i, row in zip(batch.tolist(), logits.float(), strict=True):
                    rows[i] = row[: encoded.lengths[i]] if kind != "sequence" else row
        found.append((len(batches), rows))
    (few, one), (more, other) = found
    assert more > few
    for i in range(len(examples)):
        torch.testing.assert_close(one[i], other[i], rtol=0, atol=2e-2 if bf16 else 1e-5)
    accelerator = devices.accelerator("fp32")
    plainly, fittingly = (
        predict(model, encoded, head, accelerator, batch_size=16, what="test", fitted=fitted)
        for fitted in (False, True)
    )
    assert plainly == fittingly
