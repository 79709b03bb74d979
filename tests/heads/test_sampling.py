"""Sampling: from the model's probabilities, the same in every batch, different for each example and seed."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
import torch

from pefbench.heads._sampling import GumbelNoise
from pefbench.heads.examples import GenerationExample
from pefbench.heads.generation import GenerationDataset
from pefbench.heads.search import Search
from pefbench.trial.batching import collate
from tests import tiny
from tests.tokenizers import words

GENERATORS = tiny.DECODERS + tiny.ENCODER_DECODERS
SOME = [GenerationExample(prompt, "w5") for prompt in ("w9 w8 w7", "w10", "w11 w12 w13 w14 w15 w16", "w10", "w10")]


def drawn(architecture: str, batches: list[list[int]], **search: Any) -> list[str]:
    model = tiny.model(architecture, initializer_range=0.2)
    chosen = Search(max_new_tokens=8, temperature=30.0 if "t5" in architecture else 1.0, **search)
    head = GenerationDataset({}, search=chosen).head(cast("Any", model.config))
    encoded = head.encode(words(architecture), SOME, 24)
    found: dict[int, Any] = {}
    with torch.inference_mode():
        for batch in batches:
            asked = [encoded.decoding[i] for i in batch]
            found |= zip(batch, head.predict(model, collate(encoded, batch), asked), strict=True)
    return [found[i] for i in range(len(SOME))]


@pytest.mark.parametrize("architecture", GENERATORS)
def test_what_is_drawn_does_not_depend_on_the_batch(architecture: str) -> None:
    together = drawn(architecture, [[0, 1, 2, 3, 4]])
    assert together == drawn(architecture, [[4], [2, 0], [1, 3]])
    assert len({*together[1:2], *together[3:]}) == 3, "equal prompts have draws of their own"
    assert together != drawn(architecture, [[0, 1, 2, 3, 4]], seed=1)
    assert drawn(architecture, [[0, 1, 2, 3, 4]], top_k=1) == drawn(architecture, [[0, 1, 2, 3, 4]], top_k=1, seed=1)


@pytest.mark.parametrize("architecture", ["llama", "t5"])
def test_of_several_samples_each_is_drawn_apart(architecture: str) -> None:
    one = drawn(architecture, [[0, 1, 2, 3, 4]])
    several = cast("Any", drawn(architecture, [[0, 1, 2, 3, 4]], samples=3))
    assert [answer["text"] for answer in several] == [answer["samples"][0] for answer in several] == one
    assert all(len(set(answer["samples"])) == 3 for answer in several)
    assert several == drawn(architecture, [[4], [2, 0], [1, 3]], samples=3)


def test_it_draws_from_the_softmax_of_the_likeliest() -> None:
    scores = torch.tensor([[0.0, 1.0, -torch.inf, 2.0, 1.5, -1.0]])
    noise = GumbelNoise([3], temperature=2.0, top_k=3, seed=0)
    draws = 4000
    counts = Counter(int(noise(torch.zeros(1, 1), scores).argmax()) for _ in range(draws))
    kept = torch.tensor([1.0, 2.0, 1.5]).div(2).softmax(0).tolist()
    assert counts.keys() == {1, 3, 4}
    for token, probability in zip((1, 3, 4), kept, strict=True):
        assert counts[token] / draws == pytest.approx(probability, abs=0.03)  # four standard errors
    assert int(torch.isfinite(noise(torch.zeros(1, 1), scores)).sum()) == 1


def test_the_global_random_numbers_are_not_touched() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    GumbelNoise([0], temperature=1.0, top_k=2, seed=0)(torch.zeros(1, 1), torch.zeros(1, 4))
    assert torch.equal(torch.rand(1), expected)


def test_the_signature_says_how_answers_are_drawn() -> None:
    search = Search(max_new_tokens=8, temperature=0.7, top_k=20, seed=3)
    assert search.signature == "search:drawn|temperature:0.7|top-k:20|seed:3|new:8"
    assert Search(temperature=1.0, samples=9).signature == "search:drawn|temperature:1|top-k:50|seed:0|samples:9|new:64"
    for wrong in ({"temperature": -1.0}, {"temperature": 1.0, "num_beams": 2}, {"samples": 2}, {"samples": 0}):
        with pytest.raises(ValueError, match="temperature"):
            Search(**cast("Any", wrong))
