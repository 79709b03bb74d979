"""The regression head: scores are standardised for training and restored in predictions."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification

from pefbench.errors import DataError
from pefbench.heads.examples import RegressionExample
from pefbench.heads.regression import RegressionDataset, RegressionHead
from pefbench.trial.batching import collate
from tests import tiny
from tests.heads.answering import answering
from tests.tokenizers import words

ARCHITECTURES = [name for name in tiny.EVERY if name != "marian"]
SOME = [RegressionExample(f"w{7 + i} w9 w8", score) for i, score in enumerate([2.0, 8.0, 12.0, 5.0])]


def head_for(architecture: str, examples: list[RegressionExample]) -> RegressionHead:
    return RegressionDataset({"train": examples}).head(tiny.config(architecture))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-60, 60), min_size=2, max_size=20).filter(lambda scores: len({*scores}) > 1))
def test_what_is_learned_has_mean_0_and_spread_1_and_comes_back(scores: list[int]) -> None:
    examples = [RegressionExample("w9", float(score)) for score in scores]
    head = head_for("bert", examples)
    targets = head.encode(words(), examples, 8).fixed["labels"]
    assert targets.dtype == np.float32
    assert (targets.mean(), targets.std()) == pytest.approx((0, 1), abs=1e-5)
    found = head.predict(answering(torch.from_numpy(targets)[:, None]), {}, [None] * len(scores))
    assert found == pytest.approx(scores, abs=1e-4)
    assert head.answers.references(examples) == scores


def test_an_answer_lies_between_the_training_scores() -> None:
    head = head_for("bert", SOME)
    assert head.predict(answering(torch.tensor([[-99.0], [99.0]])), {}, [None] * 2) == [2.0, 12.0]


def test_the_loss_is_transformers_own() -> None:
    head = head_for("bert", SOME)
    config = tiny.config("bert", **head.config(), problem_type="regression")
    model: Any = AutoModelForSequenceClassification.from_config(config).eval()
    batch = collate(head.encode(words(), SOME, 8), range(4))
    own = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]).loss
    assert head.loss_sum(model, batch).item() == pytest.approx(4 * own.item(), rel=1e-5)


@pytest.mark.sample(8)
@pytest.mark.parametrize("pair", [None, "w12 w9"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scores_are_learned(architecture: str, pair: str | None) -> None:
    told = [RegressionExample("w7 w7", 2.0, pair), RegressionExample("w40 w40", 12.0, pair)]
    head = head_for(architecture, told)
    model: Any = AutoModelForSequenceClassification.from_config(tiny.config(architecture, **head.config())).eval()
    batch = collate(head.encode(words(architecture), told, 16), range(2))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(300):
        loss = head.loss_sum(model, batch)
        if loss < 1e-3:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = head.predict(model, batch, [None] * 2)
    assert found == pytest.approx([2.0, 12.0], abs=0.2)
    assert [head.answers.correct(*each) for each in zip(found, [2.0, 12.0], strict=True)] == [True, True]


def test_a_pair_is_one_input() -> None:
    paired = [RegressionExample("w9", 1.0, "w8"), RegressionExample("w7", 2.0, "w6")]
    rows = head_for("bert", paired).encode(words(), paired, 8).features["input_ids"]
    assert [row.tolist() for row in rows] == [[2, 9, 3, 8, 3], [2, 7, 3, 6, 3]]


def test_answers_agree_but_for_rounding() -> None:
    head = head_for("bert", SOME)
    assert head.answers.same(5.0, 5.0 + 0.009 * head.spread)
    assert not head.answers.same(5.0, 5.0 + 0.02 * head.spread)
    assert not head.answers.correct(4.4, 5.0)


def test_one_score_for_all_cannot_be_learned() -> None:
    with pytest.raises(
        DataError, match="every training text has the score 3; at least two different scores are needed"
    ):
        head_for("bert", [RegressionExample("w9", 3.0)] * 4)


def test_the_head_has_one_output() -> None:
    config = cast("Any", tiny.config("bert", **head_for("bert", SOME).config()))
    assert config.num_labels == 1
