"""The peak of memory that training and prediction will take, foreseen from passes over two and three examples.

The passes run the very operations of the trial, on its own longest examples, and note what is held after each
allocation. An operation allocates a fixed size, and something for each row and each target; so three passes that differ
in rows and targets tell what the same operations hold for any number of them, and the largest of that is the peak.
Beside it stand the optimizer's states, and what the process holds already.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from pefbench import hardware
from pefbench.models import allocations
from pefbench.models.cpu_kernels import fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.trial.batching import collate, epoch_batches, share, sorted_batches
from pefbench.trial.schedule import total_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from accelerate import Accelerator
    from torch import Tensor, nn

    from pefbench.heads import Encoded
    from pefbench.trial.batching import Indices
    from pefbench.trial.prepare import Prepared

    Array = np.ndarray[Any, np.dtype[Any]]

EPOCHS = 20
"""Epochs whose batches are looked through for the largest."""
KEPT_BACK = 64 * 2**20 if sys.platform == "linux" else 0
"""Bytes of freed memory that the C library may keep: twice its largest M_MMAP_THRESHOLD, see mallopt(3)."""
MOMENTS = {"adamw": 8, "adamw8bit": 2}
"""Bytes an optimizer keeps for each trained weight."""
PASSES = 7
"""Examples that go through the model to foresee its peak."""
CHEAP = 0.01
"""The share of training that foreseeing may cost; a shorter one is simply begun."""


class Size(NamedTuple):
    """How much goes through the model at once."""

    rows: int
    targets: int


@dataclass(frozen=True)
class Passing:
    """What tensors hold during a pass, as a function of its size: at each event a constant, and by row and target.

    most: the size of the largest part of the trial.
    """

    coefficients: Array
    most: Size

    def peak(self, share_of_most: float = 1.0) -> int:
        """The most bytes, with this share of the rows and targets of the largest part."""
        size = np.asarray([1.0, self.most.rows * share_of_most, self.most.targets * share_of_most])
        return max(0, int((self.coefficients @ size).max()))


@dataclass(frozen=True)
class Foreseen:
    """held: bytes that the process holds before training. states: those of optimizer, gradients and kept weights.

    evaluation: None where answers are generated, whose number of tokens nobody knows.
    """

    held: int
    states: int
    gradients: int
    available: int
    training: Passing
    evaluation: Passing | None
    examples: int

    def peaks(self) -> dict[str, int]:
        """The expected peaks in bytes, by phase, in the terms of a result's `peak_memory_bytes`."""
        found = {"train": self._training(self.examples)}
        if self.evaluation is not None:
            left = _kept_back(max(self.training.peak(), self.gradients))
            found["evaluate"] = self.held + self.states + left + _slack(self.evaluation.peak())
        return found

    def told(self, loading: int) -> str:
        """The peaks as a line for people. loading: that of the phase that is over."""
        found = {"load": loading, **self.peaks()}
        said = ", ".join(f"{phase} {_gib(size)}" for phase, size in found.items())
        unknown = "" if self.evaluation is not None else "; that of generating depends on how long the answers are"
        return f"peak memory: {said}; {_gib(self.held + self.available)} can be had{unknown}"

    def micro_batch_size(self) -> int | None:
        """The most examples at once that fit into memory; None where not even one does."""
        sizes = range(self.examples, 0, -1)
        return next((size for size in sizes if self._training(size) <= self.held + self.available), None)

    def doubts(self) -> list[str]:
        """A warning where training is expected to run out of memory, with what to set."""
        expected, there = self._training(self.examples), self.held + self.available
        if expected <= there:
            return []
        said = f"training is expected to take {_gib(expected)} of memory at its peak, and {_gib(there)} can be had"
        fits = self.micro_batch_size()
        if fits is None:
            least = _gib(self._training(1))
            return [f"{said}; one example at a time still takes {least}: lower train.max_length or model.quantize=nf4"]
        return [f"{said}; set train.micro_batch_size={fits}, which accumulates the same gradients"]

    def _training(self, examples: int) -> int:
        accumulated = self.gradients if examples < self.examples else 0
        passing = self.training.peak(examples / self.examples)
        return self.held + self.states + accumulated + _slack(max(passing, self.gradients))


def is_cheap(prepared: Prepared) -> bool:
    """Whether the passes cost next to nothing beside the training that they are for."""
    settings, encoded = prepared.recipe.train, prepared.encoded["train"]
    tokens = settings.epochs * float(encoded.tokens.sum())
    return PASSES * int(encoded.lengths.max(initial=0)) <= CHEAP * tokens


def foresee(prepared: Prepared, model: nn.Module, accelerator: Accelerator, *, by_example: bool) -> Foreseen:
    """Run the passes, which leave the model as it was. by_example: how dropout is drawn, as in training.

    Random numbers are drawn: seed after it.
    """
    settings, head = prepared.recipe.train, prepared.head
    encoded = prepared.encoded["train"]
    largest, parts = largest_part(prepared, accelerator.num_processes)
    model.to(accelerator.device)
    training, dropout = model.training, KeyedDropout(settings.seed) if by_example else None

    def train(part: Indices) -> None:
        if dropout:
            dropout.start(0, encoded.rows_of(part))
        with accelerator.autocast():
            loss = head.loss_sum(model, _tensors(encoded, part, accelerator))
        loss.backward()
        model.zero_grad()

    model.train()
    with fast_on_cpu(dropout) if dropout else fast_on_cpu():
        passing = _passing(encoded, largest, train)
    model.eval()
    evaluation = None if head.generates else _evaluation(prepared, model, accelerator)
    model.train(training)
    return _with_states(prepared, model, passing, evaluation, len(largest), parts)


def _with_states(
    prepared: Prepared, model: nn.Module, passing: Passing, evaluation: Passing | None, examples: int, parts: int
) -> Foreseen:
    settings = prepared.recipe.train
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in trained:
        weight.detach().sum()  # what lies in a file is in memory once the optimizer has looked at it
    gc.collect()
    hardware.give_back_memory()
    count = sum(weight.numel() for weight in trained)
    gradients = sum(weight.numel() * weight.element_size() for weight in trained)
    states = count * MOMENTS[settings.optimizer] + (gradients if settings.keep == "best" else 0)
    held, available = hardware.used_memory(), hardware.available_memory()
    accumulated = gradients if parts > 1 else 0
    return Foreseen(held, states + accumulated, gradients, available, passing, evaluation, examples)


def _evaluation(prepared: Prepared, model: nn.Module, accelerator: Accelerator) -> Passing:
    head = prepared.head
    splits = [split for split in prepared.encoded if split != "train"] or ["train"]
    encoded = max((prepared.encoded[split] for split in splits), key=lambda each: int(each.lengths.max()))
    largest = sorted_batches(head.prediction_lengths(encoded), prepared.recipe.evaluate.batch_size)[0]

    @torch.no_grad()
    def predict(part: Indices) -> None:
        with accelerator.autocast():
            head.predict(model, _tensors(encoded, part, accelerator), [encoded.decoding[int(i)] for i in part])

    return _passing(encoded, largest, predict)


def _passing(encoded: Encoded, largest: Indices, work: Callable[[Indices], None]) -> Passing:
    """Run two and three of these examples, and find what each row and target adds."""
    chosen = _passes(encoded, largest)
    work(chosen[0])  # what is made once, such as caches of kernels, is not counted
    curves = [allocations.held(partial(work, part)) for part in chosen]
    sizes = [_size(encoded, part) for part in chosen]
    return Passing(_solve(curves, sizes), _size(encoded, largest))


def _passes(encoded: Encoded, largest: Indices) -> list[Indices]:
    """Two, three and two others of the examples, each time with the longest, and with padding where all have some.

    Without padding models leave masks out, and do other operations. The others differ most in targets.
    """
    order = largest[np.argsort(-encoded.lengths[largest], kind="stable")]
    if len(order) <= 3:
        return [order]
    shorter = order[encoded.lengths[order] < encoded.lengths[order[0]]]
    others = shorter if len(shorter) else order[1:]
    one = others[-1]
    other = others[np.argmax(np.abs(encoded.targets[others] - encoded.targets[one]))]
    third = order[1] if order[1] != one else order[2]
    return [np.asarray(part) for part in ([order[0], one], [order[0], third, one], [order[0], other])]


def _solve(curves: Sequence[Array], sizes: Sequence[Size]) -> Array:
    """The constant, and what a row and a target add, at each event: (events, 3).

    Where the passes differ in their events only the peaks are compared.
    """
    if len({len(curve) for curve in curves}) > 1:
        curves = [np.asarray([curve.max()]) for curve in curves]
    table = np.asarray([[1.0, size.rows, size.targets] for size in sizes])
    if len(curves) == 1:
        return np.stack([curves[0], np.zeros_like(curves[0]), np.zeros_like(curves[0])], 1).astype(float)
    if np.linalg.matrix_rank(table) < len(table):  # as many targets a row in all passes: rows tell all
        table, curves = table[:2, :2], curves[:2]
        found = np.linalg.solve(table, np.stack(curves).astype(float)).T
        return np.concatenate([found, np.zeros((len(found), 1))], 1)
    return np.asarray(np.linalg.solve(table, np.stack(curves).astype(float)).T)


def largest_part(prepared: Prepared, processes: int) -> tuple[Indices, int]:
    """The part of a step with the most tokens, padding included, of all steps and processes; and the parts a step."""
    encoded, settings = prepared.encoded["train"], prepared.recipe.train
    most, chosen, parts = 0, np.arange(1), 1
    epochs = -(-total_steps(settings, len(encoded)) * settings.batch_size // max(1, len(encoded)))
    for epoch in range(max(1, min(EPOCHS, epochs))):
        for batch in epoch_batches(encoded.lengths, settings.batch_size, seed=settings.seed, epoch=epoch):
            mine = share(batch, 0, processes)
            size = settings.micro_batch_size or max(1, len(mine))
            for at in range(0, len(mine), size):
                part = mine[at : at + size]
                tokens = len(encoded.rows_of(part)) * int(encoded.lengths[part].max())
                if tokens > most:
                    most, chosen, parts = tokens, part, -(-len(mine) // size)
    return chosen, parts


def _size(encoded: Encoded, part: Indices) -> Size:
    return Size(len(encoded.rows_of(part)), int(encoded.targets[part].sum()))


def _tensors(encoded: Encoded, part: Indices, accelerator: Accelerator) -> dict[str, Tensor]:
    return {name: tensor.to(accelerator.device) for name, tensor in collate(encoded, part).items()}


def _slack(size: int) -> int:
    """A size with what the C library keeps of it once it is freed; on a GPU torch's own allocator is asked."""
    return size + _kept_back(size)


def _kept_back(size: int) -> int:
    return min(size, KEPT_BACK if hardware.kind() == "cpu" else 0)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
