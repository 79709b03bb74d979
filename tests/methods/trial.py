"""A method's part of a trial on a tiny model: apply, train, save, load; with the properties that must hold."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, cast

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.nn import functional

from pefbench.models import architecture as structure
from pefbench.models import frozen
from pefbench.models.frozen import Frozen
from pefbench.registry import find
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.methods import Method

STEPS = 2
RATE = 1e-2


def method(name: str, **options: Any) -> Method:
    made: Method = find("method", name)(name=name, **options)
    return made


def task_type(architecture: str) -> str:
    if architecture in tiny.ENCODERS:
        return "TOKEN_CLS"
    return "CAUSAL_LM" if architecture in tiny.DECODERS else "SEQ_2_SEQ_LM"


def check(
    how: Method, architecture: str, folder: Path, *, precision: str = "fp32", steps: int = STEPS, **changes: Any
) -> nn.Module:
    """Run a trial: it trains what the method says and nothing else, learns, and loads to the same last bit."""
    model = applied(how, architecture, precision=precision, steps=steps, **changes)
    assert trained_names(model) == said_names(how, model)
    before = frozen_copies(model)
    losses = train(how, model, architecture, precision=precision, steps=range(steps))
    assert losses[-1] < losses[0]
    after = dict(model.named_parameters())
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    loaded = reloaded(how, model, architecture, folder, precision=precision, **changes)
    expected = predicted(model, architecture, precision)
    assert torch.equal(predicted(loaded, architecture, precision), expected)
    return model


def trained_names(model: nn.Module) -> set[str]:
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


def said_names(how: Method, model: nn.Module) -> set[str]:
    """Return the weights that the method says it trains, and those of the head."""
    bare = cast("Any", model).get_base_model() if hasattr(model, "get_base_model") else model
    heads = structure.head_modules(bare)
    head = re.compile(rf"(^|\.)({'|'.join(map(re.escape, heads))})\.(modules_to_save\.|(?!original_module))")
    names = [name for name, _ in model.named_parameters()]
    return {name for name in names if re.search(how.trainable_pattern, name) or (heads and head.search(name))}


def applied(
    how: Method, architecture: str, *, precision: str = "fp32", steps: int = STEPS, **changes: Any
) -> nn.Module:
    """Return the tiny model with the method on it, as `Prepared.with_method` does."""
    base = tiny.model(architecture, **changes)
    torch.manual_seed(1)
    model = how.apply(base, task_type(architecture))
    how.on_train_begin(model, cast("Any", None), cast("Any", None), steps)
    _make_ready(how, model, precision)
    return model.eval()


def train(
    how: Method,
    model: nn.Module,
    architecture: str,
    *,
    precision: str = "fp32",
    steps: range = range(STEPS),
    optimizer: torch.optim.Optimizer | None = None,
) -> list[float]:
    """Take optimizer steps on one batch, as `Training` does; return the loss before each and after the last."""
    optimizer = optimizer or make_optimizer(how, model)
    losses = []
    for step in steps:
        with autocast(precision):
            loss = task_loss(model, architecture)
        losses.append(float(loss.detach()))
        penalty = how.penalty(model)
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        how.after_step(model, step + 1)
        optimizer.zero_grad()
    with torch.no_grad(), autocast(precision):
        return [*losses, float(task_loss(model, architecture))]


def make_optimizer(how: Method, model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(how.parameter_groups(model, RATE, 0.0), lr=RATE)


def reloaded(
    how: Method, model: nn.Module, architecture: str, folder: Path, *, precision: str = "fp32", **changes: Any
) -> nn.Module:
    """Return what a fresh process has after the model was saved."""
    how.save_adapter(model, folder)
    torch.manual_seed(2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The following rank_pattern keys did not match")  # AdaLoRA's are not LoRA's
        loaded: nn.Module = PeftModel.from_pretrained(tiny.model(architecture, **changes), folder)
    _make_ready(how, loaded, precision)
    return loaded.eval()


@torch.no_grad()
def predicted(model: nn.Module, architecture: str, precision: str = "fp32") -> Tensor:
    with autocast(precision):
        return logits(model, architecture)


def logits(model: nn.Module, architecture: str) -> Tensor:
    """Return the logits on the tiny batch; the decoder of a pair is shown the labels, one place to the right."""
    inputs = tiny.batch(architecture)
    labels = inputs.pop("labels")
    if architecture in tiny.ENCODER_DECODERS:
        shifted = functional.pad(labels[:, :-1].clamp(min=tiny.PAD), (1, 0), value=tiny.START)
        inputs |= {"decoder_input_ids": shifted}
    found: Tensor = model(**inputs).logits
    return found


def task_loss(model: nn.Module, architecture: str) -> Tensor:
    labels, given = tiny.batch(architecture)["labels"], logits(model, architecture).float()
    if architecture in tiny.DECODERS:
        given, labels = given[:, :-1], labels[:, 1:]
    return functional.cross_entropy(given.flatten(0, 1), labels.flatten(), ignore_index=-100)


def autocast(precision: str) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")


def frozen_copies(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the weights that are not trained."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if not weight.requires_grad}


def _make_ready(how: Method, model: nn.Module, precision: str) -> None:
    how.on_model_ready(model)
    frozen.cast(model, Frozen(precision, how.trainable_pattern))
