"""Packing: the same loss and gradients for every kind of decoder and every method, with little padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import MethodError, RecipeError
from pefbench.heads import IGNORED, TARGETS, Encoded
from pefbench.heads._apart import SEGMENTS, apart
from pefbench.models import loading
from pefbench.registry import find, names
from pefbench.trial import packing
from pefbench.trial.batching import collate
from tests import grid, tiny
from tests.grid import OPTIONS, cell, write_base
from tests.tokenizers import words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.grid import Cell

LENGTHS = (5, 9, 3, 14, 6, 4, 11)
DECODERS = [name for name in tiny.GRID if "generation" in grid.heads(name) and not tiny.config(name).is_encoder_decoder]
PACKED = [name for name in DECODERS if tiny.config(name).model_type in packing.TYPES]


def encoded(lengths: tuple[int, ...] = LENGTHS) -> Encoded:
    draw = np.random.default_rng(0)
    ids = [draw.integers(tiny.END + 1, tiny.VOCABULARY, n) for n in lengths]
    targets = [np.where(np.arange(len(row)) < 2, IGNORED, row) for row in ids]
    features = {"input_ids": ids, TARGETS: targets}
    counts = np.asarray([int((row != IGNORED).sum()) for row in targets])
    return Encoded(features, counts, [None] * len(ids), padding={"input_ids": tiny.PAD, TARGETS: IGNORED})


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Cell, Path]]:
    """Return a function that gives an architecture's cell and its pretrained model, written once."""
    folder = tmp_path_factory.mktemp("bases")

    def base(architecture: str) -> tuple[Cell, Path]:
        made, path = cell(architecture, "generation"), folder / architecture
        if not path.exists():
            write_base(made, path)
        return made, path

    return base


def step(made: Cell, base: Path, name: str, batch: Any, attention: str) -> tuple[float, dict[str, torch.Tensor]]:
    """Return the summed loss and the gradients of a method that has moved away from its start."""
    torch.manual_seed(1)
    found = grid._examined(made, base)
    model = loading.load_pretrained(base, made.config, made.head, attention=attention, found=found).eval()
    method = find("method", name)(name=name, **OPTIONS.get(name, {}))
    model = method.apply(model, made.head.task_type)
    method.on_train_begin(model, words(made.architecture), grid._encoded(made), 100)
    method.on_model_ready(model)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data += 0.05 * torch.randn(weight.shape)
    loss = made.head.loss_sum(model, batch)
    loss.backward()
    return loss.item(), {key: each.grad for key, each in model.named_parameters() if each.grad is not None}


def check_same(one: tuple[float, dict[str, torch.Tensor]], other: tuple[float, dict[str, torch.Tensor]]) -> None:
    assert one[0] == pytest.approx(other[0], rel=1e-6)
    assert one[1].keys() == other[1].keys()
    greatest = max(float(grad.abs().max()) for grad in one[1].values())
    assert greatest > 0
    for key, grad in one[1].items():  # some gradients are zero but for rounding, such as those of the keys' biases
        assert torch.allclose(grad, other[1][key], rtol=1e-4, atol=1e-6 * greatest), key


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("architecture", PACKED)
def test_every_kind_of_decoder_keeps_examples_apart(
    bases: Callable[[str], tuple[Cell, Path]], architecture: str, attention: str
) -> None:
    data = encoded()
    packed, padded = (
        step(*bases(architecture), "full", made(data, range(len(data))), attention)
        for made in (packing.collate, collate)
    )
    check_same(packed, padded)


@pytest.mark.parametrize("method", names("method"))
def test_every_method_trains_as_unpacked(bases: Callable[[str], tuple[Cell, Path]], method: str) -> None:
    data = encoded()
    try:
        padded = step(*bases("llama"), method, collate(data, range(len(data))), "eager")
    except MethodError:
        pytest.skip("the method does not work on this model")
    if find("method", method)(name=method, **OPTIONS.get(method, {})).virtual_tokens():
        pytest.skip("refused: see below")
    check_same(step(*bases("llama"), method, packing.collate(data, range(len(data))), "eager"), padded)


def test_examples_that_are_not_kept_apart_have_another_loss(bases: Callable[[str], tuple[Cell, Path]]) -> None:
    data = encoded()
    batch = packing.collate(data, range(len(data)))
    apart_loss, _ = step(*bases("llama"), "full", batch, "eager")
    together, _ = step(*bases("llama"), "full", batch | {SEGMENTS: torch.zeros_like(batch[SEGMENTS])}, "eager")
    running = torch.arange(batch["position_ids"].shape[1]).expand_as(batch["position_ids"])
    one_text, _ = step(*bases("gpt2"), "full", batch | {"position_ids": running}, "eager")
    gpt2_loss, _ = step(*bases("gpt2"), "full", batch, "eager")
    assert abs(together - apart_loss) > 1e-3
    assert abs(one_text - gpt2_loss) > 1e-3


def test_a_place_sees_its_own_example_and_what_is_before_it() -> None:
    segments = torch.tensor([[0, 0, 1, 1, -1]])
    seen = apart(type("M", (), {"config": tiny.config("llama")})(), {SEGMENTS: segments})["attention_mask"]
    assert seen.shape == (1, 1, 5, 5)
    assert (seen[0, 0] == 0).int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 1],
    ]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_rows_hold_each_example_once_and_little_padding(lengths: list[int]) -> None:
    rows = packing.rows(lengths)
    assert sorted(place for row in rows for place in row) == list(range(len(lengths)))
    assert sum(lengths) >= packing.USEFUL * packing.size(lengths)


@given(st.lists(st.integers(3, 30), min_size=1, max_size=12).map(tuple))
def test_a_packed_batch_has_every_token_target_and_position(lengths: tuple[int, ...]) -> None:
    data = encoded(lengths)
    batch = packing.collate(data, range(len(data)))
    assert batch["input_ids"].numel() == packing.size(list(lengths))
    assert int((batch[TARGETS] != IGNORED).sum()) == data.targets.sum()
    assert int((batch[SEGMENTS] >= 0).sum()) == sum(lengths)
    found = []
    for ids, segments, positions in zip(batch["input_ids"], batch[SEGMENTS], batch["position_ids"], strict=True):
        for segment in range(int(segments.max()) + 1):
            own = segments == segment
            found.append(ids[own].tolist())
            assert positions[own].tolist() == list(range(int(own.sum())))
    assert sorted(found) == sorted(row.tolist() for row in data.features["input_ids"])


def prepared(method: str = "lora", architecture: str = "llama", *, packs: bool = True, **changes: Any) -> Any:
    from types import SimpleNamespace as Plain

    return Plain(
        recipe=Plain(train=Plain(packing=True, max_length=32), method=find("method", method)(name=method)),
        config=tiny.config(architecture, **changes),
        head=Plain(packs=packs),
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (prepared(packs=False), "only for decoders that learn to generate text"),
        (prepared("prefix"), "does not work with prefix, whose virtual tokens stand before a whole row"),
        (prepared("prompt"), "does not work with prompt"),
        (prepared(architecture="bloom"), "cannot be kept apart in bloom; supported: gemma, gpt2"),
        (prepared(architecture="mistral", sliding_window=16), "attention window of 16 tokens"),
    ],
)
def test_what_cannot_be_packed_is_refused(given: Any, why: str) -> None:
    with pytest.raises(RecipeError, match=f"train\\.packing: .*{why}"):
        packing.check(given)


def test_what_can_be_packed_is_not_refused() -> None:
    packing.check(prepared(architecture="mistral", sliding_window=32))
    for architecture in PACKED:
        packing.check(prepared(architecture=architecture))
