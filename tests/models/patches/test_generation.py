"""Faster generation: the same numbers as without it, and the model is unchanged afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from pefbench.models import frozen
from pefbench.models.frozen import Frozen
from pefbench.models.patches import generation
from pefbench.models.patches.generation import cast_once, fast_search, fused_attention, growing_caches
from pefbench.registry import find
from tests import tiny
from tests.grid import sampled

if TYPE_CHECKING:
    from torch import nn

GENERATORS = tiny.DECODERS + tiny.ENCODER_DECODERS
METHODS: dict[str, dict[str, Any]] = {
    "full": {},
    "lora": {},
    "dora": {"name": "lora", "dora": True},
    "adalora": {},
    "ia3": {},
    "ln_tuning": {},
    "bottleneck": {},
    "mam": {},
    "prefix": {},
    "p_tuning": {},
}
ROOM = 12
"""Positions that a cache grows by here."""
WHOLE = ROOM + 10
"""Positions after which a cache has grown twice."""


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let caches grow after fewer tokens than else, as each is a pass through a model."""
    monkeypatch.setattr(generation, "ROOM", ROOM)


def adapted(architecture: str, method: str) -> Any:
    """Return a tiny generator with a method on it, as for predicting in bf16, its new weights off their start."""
    longer: dict[str, Any] = {} if architecture.startswith("t5") else {"max_position_embeddings": 200}
    base = tiny.model(architecture, **longer)
    base.set_attn_implementation("eager")
    task = "CAUSAL_LM" if architecture in tiny.DECODERS else "SEQ_2_SEQ_LM"
    options = {"name": method} | METHODS[method]
    chosen = find("method", options["name"])(**options)
    wrapped = chosen.apply(base, task)
    chosen.on_model_ready(wrapped)
    generator = torch.Generator().manual_seed(1)
    for weight in wrapped.parameters():
        if weight.requires_grad:
            weight.data += 0.1 * torch.randn(weight.shape, generator=generator)
    frozen.cast(wrapped, Frozen("bf16", chosen.trainable_pattern))
    return wrapped.eval()


def logits(model: Any, architecture: str, tokens: int = WHOLE, *, mixed: bool = True, **options: Any) -> torch.Tensor:
    """Return what each step of a search found: (steps, rows, vocabulary)."""
    batch = tiny.batch(architecture)
    asked = {"input_ids": batch["input_ids"].flip(1), "attention_mask": batch["attention_mask"].flip(1)}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        found = model.generate(
            **asked,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
            **options,
        )
    return torch.stack(found.logits)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try a sample of methods on generators, another with each commit; `--grid all` tries them all."""
    if {"architecture", "method"} <= {*metafunc.fixturenames}:
        cells = sampled([*METHODS], GENERATORS, metafunc.config.option.grid)
        metafunc.parametrize(("method", "architecture"), cells)


def test_casts_that_are_kept_and_caches_that_grow_change_no_bit(architecture: str, method: str) -> None:
    model = adapted(architecture, method)
    before = logits(model, architecture)
    with cast_once(model), growing_caches():
        assert torch.equal(logits(model, architecture), before)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_beams_change_rows_of_a_cache_that_grows(architecture: str) -> None:
    model = adapted(architecture, "full")
    before = logits(model, architecture, num_beams=3)
    with cast_once(model), growing_caches():
        assert torch.equal(logits(model, architecture, num_beams=3), before)


@given(
    parts=st.lists(st.integers(1, 2 * ROOM), min_size=1, max_size=6),
    changed=st.sets(st.integers(0, 5)),
    precise=st.booleans(),
)
def test_a_cache_that_grows_holds_what_it_was_given(parts: list[int], changed: set[int], precise: bool) -> None:
    stock, grown = DynamicCache(), DynamicCache()
    for i, length in enumerate(parts):
        keys, values = torch.randn(2, 3, 2, length, 4).unbind()
        expected = stock.update(keys, values, 0)
        with growing_caches(), torch.autocast("cpu", torch.bfloat16, enabled=not precise):
            found = grown.update(keys, values, 0)
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other if precise else other.bfloat16())
        if i in changed:
            for cache in (stock, grown):
                cache.batch_select_indices(torch.tensor([2, 0, 0]))
    assert grown.get_seq_length() == sum(parts)


def test_a_growing_cache_is_copied_seldom() -> None:
    cache: Any = DynamicCache()
    where = set()
    with growing_caches():
        for _ in range(2 * ROOM):
            cache.update(torch.ones(1, 1, 1, 4), torch.ones(1, 1, 1, 4), 0)
            where.add(cache.layers[0].keys.data_ptr())
    assert len(where) <= 3  # the first position alone, and one for each time that the room was used up


def implementations(model: nn.Module) -> set[str]:
    parts: list[Any] = [part for part in model.modules() if hasattr(part, "config")]
    return {part.config._attn_implementation for part in parts}


@pytest.mark.parametrize("architecture", GENERATORS)
def test_attention_is_fused_where_it_was_not_and_finds_nearly_the_same(architecture: str) -> None:
    model = adapted(architecture, "full").float()
    assert implementations(model) == {"eager"}
    before = logits(model, architecture, tokens=2, mixed=False)
    with fused_attention(model):
        assert implementations(model) == {"sdpa" if model._supports_sdpa else "eager"}
        inside = logits(model, architecture, tokens=2, mixed=False)
    assert implementations(model) == {"eager"}
    torch.testing.assert_close(inside, before)


@pytest.mark.parametrize("precise", [False, True])
def test_everything_is_put_back(precise: bool) -> None:
    model, stock = adapted("llama", "full"), DynamicLayer.update
    before = dict(model.named_parameters())

    def interrupted() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=not precise), fast_search(model):
            weights = {weight.dtype for name, weight in model.named_parameters() if "proj" in name}
            assert weights == {torch.float32 if precise else torch.bfloat16}
            assert model.model.embed_tokens.weight.dtype == torch.float32
            assert DynamicLayer.update is not stock
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    after = dict(model.named_parameters())
    assert before.keys() == after.keys()
    assert all(after[name] is weight for name, weight in before.items())
    assert DynamicLayer.update is stock
    assert implementations(model) == {"eager"}


def test_caches_grow_until_the_last_of_several_threads_is_done() -> None:
    stock = DynamicLayer.update
    first, second = growing_caches(), growing_caches()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert DynamicLayer.update is not stock
    second.__exit__(None, None, None)
    assert DynamicLayer.update is stock


def test_a_head_that_is_the_embeddings_is_cast_for_itself() -> None:
    model = tiny.model("llama", tie_word_embeddings=True)
    with torch.autocast("cpu", torch.bfloat16), cast_once(model):
        assert model.lm_head.weight.dtype == torch.bfloat16
        assert model.model.embed_tokens.weight.dtype == torch.float32
    assert model.lm_head.weight is model.model.embed_tokens.weight
