"""The expected peak memory of each phase of a trial, and what to change if it will not fit.

The memory of forward and backward passes is measured (`rehearsal`); the optimizer's states and what the process already
holds are added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pefbench import hardware
from pefbench.models import linear_layers, loading
from pefbench.results.store import readable
from pefbench.trial.largest import largest_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from pefbench.trial.batching import Indices
    from pefbench.trial.prepare import Prepared

COPIES = 3
"""The maximum number of copies of activations in memory at once: new ones, stored ones, and their gradients."""
STATES = 4
"""Numbers that training keeps for each trained weight: its gradient, two moments, and its best value so far."""


@dataclass(frozen=True)
class Passing:
    """The peak memory of a pass in bytes: a fixed part, and a part for each example. examples: in the largest batch."""

    fixed: int
    each: float
    examples: int

    def peak(self, examples: int | None = None) -> int:
        """The bytes for a number of examples. None: for the largest batch."""
        return self.fixed + int(self.each * (self.examples if examples is None else examples))


@dataclass(frozen=True)
class Foreseen:
    """The memory that a trial is expected to need, in bytes.

    held: by the process before training. states: by optimizer, gradients and kept weights. available: still free.
    predicting: by phase: validate (during training) and evaluate.
    """

    held: int
    states: int
    gradients: int
    available: int
    training: Passing
    predicting: Mapping[str, Passing] = field(default_factory=dict)

    def peaks(self) -> dict[str, int]:
        """The expected peaks in bytes, by phase, defined like a result's `peak_memory_bytes`."""
        predicting = {phase: self.held + self.states + passing.peak() for phase, passing in self.predicting.items()}
        return {"train": self._training(self.training.examples), **predicting}

    def told(self, loading: int) -> str:
        """The peaks as a line to print. loading: the peak of loading, which is already over."""
        found = {"load": loading, **self.peaks()}
        sizes = ", ".join(f"{phase} {readable(size, 'B')}" for phase, size in found.items())
        return f"peak memory: {sizes}; {readable(self.held + self.available, 'B')} available"

    def micro_batch_size(self) -> int | None:
        """The largest micro-batch size that fits into memory; None if not even one example does."""
        sizes = range(self.training.examples, 0, -1)
        return next((size for size in sizes if self._training(size) <= self.held + self.available), None)

    def doubts(self) -> list[str]:
        """A warning if training is expected to run out of memory, with what to set."""
        expected, there = self._training(self.training.examples), self.held + self.available
        if expected <= there:
            return []
        needed = f"training is expected to need {readable(expected, 'B')} of memory at its peak"
        warning = f"{needed}, but {readable(there, 'B')} is available"
        fits = self.micro_batch_size()
        if fits is None:
            least = readable(self._training(1), "B")
            return [
                f"{warning}; even one example at a time needs {least}: lower train.max_length or set model.quantize=nf4"
            ]
        return [f"{warning}; set train.micro_batch_size={fits}, which accumulates the same gradients"]

    def _training(self, examples: int) -> int:
        accumulated = self.gradients if examples < self.training.examples else 0
        return self.held + self.states + accumulated + max(self.training.peak(examples), self.gradients)


def may_not_fit(prepared: Prepared, model: nn.Module, processes: int) -> bool:
    """Whether training may need more memory than is available, so that a rehearsal is worthwhile."""
    part, _ = largest_part(prepared.encoded["train"], prepared.recipe.train, processes)
    states = 4 * STATES * loading.count(model, trainable=True)
    return at_most(prepared, model, part) + states > hardware.available_memory()


def at_most(prepared: Prepared, model: nn.Module, part: Indices, split: str = "train") -> int:
    """An upper bound, in bytes, on what a pass over these examples needs besides the model, from layer sizes alone.

    In fp32: the inputs and outputs of each linear layer, each row of attention, and the gradients.
    """
    encoded = prepared.encoded[split]
    length = int(encoded.lengths[part].max()) + prepared.recipe.method.virtual_tokens()
    rows = len(encoded.rows_of(part))
    features = sum(linear.reads + linear.writes for linear in linear_layers.linears(model, ""))
    attention = sum(_heads(config) for config in loading.stacks(prepared.config)) * length
    return 4 * (COPIES * rows * length * (features + attention) + loading.count(model, trainable=True))


def room_for(most: int, examples: int) -> int:
    """How many of these examples certainly fit into available memory, if all together need at most `most` bytes."""
    return min(examples, int(examples * hardware.available_memory() / max(1, most)))


def _heads(config: Any) -> int:
    """The number of attention rows of a token, over all layers."""
    return int(getattr(config, "num_hidden_layers", 0) or 0) * int(getattr(config, "num_attention_heads", 0) or 0)
