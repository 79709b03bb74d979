"""Measures, before training, the memory that passes over the largest batches need besides the model.

A pass runs the trial's own operations, so its peak includes everything: tensors, the buffers of libraries below torch,
and fragmentation of the heap. If the whole batch may not fit, two smaller ones are measured and extrapolated linearly.
"""

from __future__ import annotations

import gc
import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pefbench import hardware
from pefbench.models import loading
from pefbench.models.cpu_kernels import fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.models.patches.generation import ROOM
from pefbench.trial import packing
from pefbench.trial.batching import collate, sorted_batches
from pefbench.trial.fast_paths import fits_batches
from pefbench.trial.foreseen import Foreseen, Passing, at_most, room_for
from pefbench.trial.largest import largest_part
from pefbench.trial.score import import_scorers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accelerate import Accelerator
    from torch import Tensor, nn
    from transformers import PretrainedConfig

    from pefbench.heads import Head
    from pefbench.trial.batching import Indices
    from pefbench.trial.prepare import Prepared

MOMENTS = {"adamw": 8, "adamw8bit": 2}
"""The bytes that an optimizer keeps for each trained weight."""


def rehearse(prepared: Prepared, model: nn.Module, accelerator: Accelerator, *, by_example: bool) -> Foreseen:
    """Run the passes, which leave the model unchanged but draw random numbers: seed afterwards.

    by_example: draw dropout by example, as in training.
    """
    encoded, settings = prepared.encoded["train"], prepared.recipe.train
    import_scorers(prepared.recipe)
    largest, parts = largest_part(encoded, settings, accelerator.num_processes)
    model.to(accelerator.device)
    was_training = model.training
    with _as_in_training(model, accelerator):
        training = _training_pass(prepared, model, accelerator, largest, by_example=by_example)
        predicting = _prediction_passes(prepared, model, accelerator)
    model.train(was_training)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in trained:
        weight.detach().sum()  # loads memory-mapped weights, as the optimizer's first step would
    gc.collect()
    hardware.give_back_memory()
    gradients = sum(weight.numel() * weight.element_size() for weight in trained)
    states = sum(weight.numel() for weight in trained) * MOMENTS[settings.optimizer]
    states += gradients if settings.keep == "best" else 0
    states += gradients if parts > 1 or accelerator.num_processes > 1 else 0  # which are summed, or reduced, in place
    held, available = hardware.used_memory(), hardware.available_memory()
    return Foreseen(held, states, gradients, available, training, predicting)


@contextmanager
def _as_in_training(model: nn.Module, accelerator: Accelerator) -> Iterator[None]:
    """Let accelerate prepare the model, which casts its outputs to fp32, but without DDP."""
    accelerator.prepare_model(model, evaluation_mode=True)
    try:
        yield
    finally:
        accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        accelerator._models.remove(model)
        del model._is_accelerate_prepared


def _training_pass(
    prepared: Prepared, model: nn.Module, accelerator: Accelerator, largest: Indices, *, by_example: bool
) -> Passing:
    head, settings, encoded = prepared.head, prepared.recipe.train, prepared.encoded["train"]
    dropout = KeyedDropout(settings.seed) if by_example else None
    laid_out = packing.collate if settings.packing else collate

    def train(part: Indices) -> None:
        if dropout:
            dropout.start(0, encoded.rows_of(part))
        loss = head.loss_sum(model, _on_device(laid_out(encoded, part), accelerator))
        loss.backward()
        model.zero_grad()

    model.train()
    with fast_on_cpu(dropout) if dropout else fast_on_cpu():
        return _measured(largest, at_most(prepared, model, largest), train)


@torch.no_grad()
def _prediction_passes(prepared: Prepared, model: nn.Module, accelerator: Accelerator) -> dict[str, Passing]:
    """The memory of prediction, by phase: validate (during training) and evaluate (after it)."""
    head, settings, splits = prepared.head, prepared.recipe.train, set(prepared.encoded) - {"train"}
    if not splits:
        return {}
    model.eval()
    longest = max(splits, key=lambda split: int(head.prediction_lengths(prepared.encoded[split]).max(initial=0)))
    after = [_answer_pass(prepared, model, accelerator, longest)]
    if "validation" not in splits or settings.evaluate == "none":
        return {"evaluate": after[0]}
    during: list[Passing] = []
    if head.generates:
        during.append(_loss_pass(prepared, model, accelerator))
        after += during
    if not head.generates or settings.evaluate is not None or settings.chooses:
        during.append(after[0] if longest == "validation" else _answer_pass(prepared, model, accelerator, "validation"))
    return {"validate": max(during, key=Passing.peak), "evaluate": max(after, key=Passing.peak)}


def _answer_pass(prepared: Prepared, model: nn.Module, accelerator: Accelerator, split: str) -> Passing:
    head, encoded = prepared.head.brief(), prepared.encoded[split]
    fitted = fits_batches(prepared.recipe, head, accelerator.device.type)
    largest = sorted_batches(head.prediction_lengths(encoded), prepared.recipe.evaluate.batch_size, fitted=fitted)[0]

    def predict(part: Indices) -> None:
        tensors = _on_device(collate(encoded, part), accelerator)
        with accelerator.autocast():  # as in `predict`
            head.predict(model, tensors, [encoded.decoding[int(i)] for i in part])

    passing = _measured(largest, at_most(prepared, model, largest, split), predict)
    cache = _cache_bytes(prepared.config, prepared.head, accelerator) if head.generates else 0
    return replace(passing, each=passing.each + cache)


def _loss_pass(prepared: Prepared, model: nn.Module, accelerator: Accelerator) -> Passing:
    """The loss on validation, without gradients."""
    head, settings, encoded = prepared.head, prepared.recipe.train, prepared.encoded["validation"]
    size = settings.micro_batch_size or math.ceil(settings.batch_size / accelerator.num_processes)
    largest = sorted_batches(encoded.lengths, size)[0]

    def lose(part: Indices) -> None:
        head.loss_sum(model, _on_device(collate(encoded, part), accelerator))

    return _measured(largest, at_most(prepared, model, largest, "validation"), lose)


def _cache_bytes(config: PretrainedConfig, head: Head, accelerator: Accelerator) -> int:
    """The bytes by which an example's key-value cache grows after the first `ROOM` tokens of the longest answer."""
    stack: Any = loading.stacks(config)[-1]
    heads = getattr(stack, "num_key_value_heads", None) or stack.num_attention_heads
    size = getattr(stack, "head_dim", None) or stack.hidden_size // stack.num_attention_heads
    places = max(0, math.ceil(head.longest_answer / ROOM) - 1) * ROOM
    return int(places * stack.num_hidden_layers * 2 * heads * size * (4 if accelerator.mixed_precision == "no" else 2))


def _measured(largest: Indices, most: int, work: Callable[[Indices], None]) -> Passing:
    """Measure half a batch and the whole, or as much of it as certainly fits.

    most: upper bound, in bytes, on what the whole batch needs.
    """
    whole = min(len(largest), max(2, room_for(most, len(largest))))
    half = max(1, whole // 2)
    peaks = [_peak(work, _spread_out(largest, count)) for count in (half, whole)]
    each = max(0, peaks[1] - peaks[0]) / (whole - half) if whole > half else 0.0
    return Passing(int(peaks[1] - each * whole), each, len(largest))


def _spread_out(examples: Indices, count: int) -> Indices:
    """`count` examples of all lengths, including the longest; `examples` are sorted by length, the longest first."""
    chosen: Indices = examples[np.linspace(0, len(examples) - 1, count).round().astype(int)]
    return chosen


def _peak(work: Callable[[Indices], None], part: Indices) -> int:
    """The most bytes that `work` needs at once, besides those held before it."""
    gc.collect()
    hardware.reset_peak()
    before = hardware.used_memory()
    work(part)
    return max(0, hardware.peak_memory() - before)


def _on_device(batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
    return {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
