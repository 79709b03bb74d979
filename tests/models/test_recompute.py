"""Gradient checkpointing: bitwise the same loss and gradients, with less memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from pefbench.errors import MethodError, RecipeError
from pefbench.models import loading, recompute
from pefbench.models.cpu_kernels import cheap_dropout, fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.registry import find, names
from tests import grid, tiny
from tests.grid import OPTIONS, cell, heads, write_base
from tests.tokenizers import words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pefbench.methods import Method
    from pefbench.sections import Quantize
    from tests.grid import Cell

TRIED = [(architecture, method) for architecture in ("bert", "llama", "t5") for method in names("method")]
PREFIXED = [(architecture, "prefix") for architecture in ("distilbert", "deberta-v2", "modernbert", "gpt2", "bart")]
Outcome = tuple[torch.Tensor, dict[str, torch.Tensor], int]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Cell, Path]]:
    """Return a function that gives an architecture's cell and its pretrained backbone, written once."""
    folder = tmp_path_factory.mktemp("bases")

    def base(architecture: str) -> tuple[Cell, Path]:
        there = heads(architecture)
        made = cell(architecture, "generation" if "generation" in there else there[0])
        path = folder / architecture
        if not path.exists():
            write_base(made, path)
        return made, path

    return base


def step(made: Cell, base: Path, name: str, dropout: Any, *, again: bool, quantize: Quantize = "none") -> Outcome:
    """Return loss, gradients, and how many numbers are kept for the backward pass; with dropout, from one seed."""
    found = grid._examined(made, base)
    torch.manual_seed(1)
    model = loading.load_pretrained(base, made.config, made.head, attention="eager", found=found, quantize=quantize)
    if again:
        recompute.apply(model)
    method: Method = find("method", name)(name=name, **OPTIONS.get(name, {}))
    model = method.apply(model, made.head.task_type)
    method.on_train_begin(model, words(made.architecture), grid._encoded(made), 100)
    method.on_model_ready(model)
    for weight in model.parameters():
        if weight.requires_grad:  # methods start from updates of zero, which leave gradients zero
            weight.data += 0.02 * torch.randn(weight.shape)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.2
    if isinstance(dropout, KeyedDropout):
        dropout.start(3, range(len(made.batch["input_ids"])))
    kept = 0

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    model.train()
    with fast_on_cpu(dropout):
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = made.head.loss_sum(model, made.batch)
        loss.backward()
    grads = {key: weight.grad for key, weight in model.named_parameters() if weight.grad is not None}
    return loss.detach(), grads, kept


def check_same(without: Outcome, again: Outcome, *, nothing_below: bool = False) -> None:
    assert torch.equal(again[0], without[0])
    assert again[1].keys() == without[1].keys()
    assert any(grad.count_nonzero() for grad in without[1].values())
    for key, grad in without[1].items():
        assert torch.equal(again[1][key], grad), key
    assert again[2] < without[2] or nothing_below


@pytest.mark.sample(16)
@pytest.mark.parametrize(("architecture", "method"), [*TRIED, *PREFIXED])
def test_loss_and_gradients_are_the_same(
    bases: Callable[[str], tuple[Cell, Path]], architecture: str, method: str
) -> None:
    for dropout in (KeyedDropout(0), cheap_dropout):
        try:
            without = step(*bases(architecture), method, dropout, again=False)
        except MethodError:
            with pytest.raises(MethodError):
                step(*bases(architecture), method, dropout, again=True)
            return
        again = step(*bases(architecture), method, dropout, again=True)
        check_same(without, again, nothing_below=method == "head_only")


@pytest.mark.parametrize("method", ["lora", "prefix", "bottleneck"])
@pytest.mark.parametrize("quantize", ["int8", "nf4"])
def test_also_on_a_quantised_base(tmp_path: Path, method: str, quantize: Quantize) -> None:
    wide = tiny.config("llama", hidden_size=64, intermediate_size=64)
    made = replace(cell("llama", "generation"), config=wide)
    write_base(made, tmp_path)
    outcomes = [step(made, tmp_path, method, cheap_dropout, again=again, quantize=quantize) for again in (False, True)]
    check_same(*outcomes)


def test_nothing_is_computed_twice_outside_training() -> None:
    model = tiny.model("llama").eval()
    recompute.apply(model)
    calls = []
    model.model.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    batch = {name: tensor for name, tensor in tiny.batch("llama").items() if name != "labels"}
    model(**batch).logits.sum().backward()
    assert len(calls) == 1
    model.train()
    model(**batch).logits.sum().backward()
    assert len(calls) == 3


def test_a_model_without_blocks_is_refused() -> None:
    class Flat(nn.Module):
        base_model_prefix = ""

    with pytest.raises(RecipeError, match=r"train\.recompute: Flat: its backbone has no list"):
        recompute.apply(Flat())
