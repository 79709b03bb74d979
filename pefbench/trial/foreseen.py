"""The peak of memory that a trial is expected to reach in each phase, and what to set where it will not fit.

What passes take beside the model is measured (`rehearsal`); to it come the optimizer's states, and what the process
holds already.
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
"""How often, at most, activations stand in memory at once: as they come, as they are kept, and their gradients."""
STATES = 4
"""Numbers that training keeps for a trained one: its gradient, two moments, and its best value so far."""


@dataclass(frozen=True)
class Passing:
    """The bytes that a pass takes at its peak: for itself, and for each example. examples: of the largest batch."""

    fixed: int
    each: float
    examples: int

    def peak(self, examples: int | None = None) -> int:
        """The bytes for so many examples; None: for the largest batch."""
        return self.fixed + int(self.each * (self.examples if examples is None else examples))


@dataclass(frozen=True)
class Foreseen:
    """held: bytes that the process holds before training. states: those of optimizer, gradients and kept weights.

    available: bytes that can still be had. predicting: by phase: validate (while training) and evaluate.
    """

    held: int
    states: int
    gradients: int
    available: int
    training: Passing
    predicting: Mapping[str, Passing] = field(default_factory=dict)

    def peaks(self) -> dict[str, int]:
        """The expected peaks in bytes, by phase, in the terms of a result's `peak_memory_bytes`."""
        predicting = {phase: self.held + self.states + passing.peak() for phase, passing in self.predicting.items()}
        return {"train": self._training(self.training.examples), **predicting}

    def told(self, loading: int) -> str:
        """The peaks as a line for people. loading: that of the phase that is over."""
        found = {"load": loading, **self.peaks()}
        sizes = ", ".join(f"{phase} {readable(size, 'B')}" for phase, size in found.items())
        return f"peak memory: {sizes}; {readable(self.held + self.available, 'B')} available"

    def micro_batch_size(self) -> int | None:
        """The most examples at once that fit into memory; None where not even one does."""
        sizes = range(self.training.examples, 0, -1)
        return next((size for size in sizes if self._training(size) <= self.held + self.available), None)

    def doubts(self) -> list[str]:
        """A warning where training is expected to run out of memory, with what to set."""
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
    """Whether training is so near to what can be had that it is worth to rehearse it."""
    part, _ = largest_part(prepared.encoded["train"], prepared.recipe.train, processes)
    states = 4 * STATES * loading.count(model, trainable=True)
    return at_most(prepared, model, part) + states > hardware.available_memory()


def at_most(prepared: Prepared, model: nn.Module, part: Indices, split: str = "train") -> int:
    """More bytes than a pass over these examples takes beside the model, from the sizes of its layers alone.

    In fp32: what each linear layer reads and writes, each row of attention, and the gradients.
    """
    encoded = prepared.encoded[split]
    length = int(encoded.lengths[part].max()) + prepared.recipe.method.virtual_tokens()
    rows = len(encoded.rows_of(part))
    features = sum(linear.reads + linear.writes for linear in linear_layers.linears(model, ""))
    attention = sum(_heads(config) for config in loading.stacks(prepared.config)) * length
    return 4 * (COPIES * rows * length * (features + attention) + loading.count(model, trainable=True))


def room_for(most: int, examples: int) -> int:
    """How many of these examples surely fit into what can be had, where all take `most` bytes at most."""
    return min(examples, int(examples * hardware.available_memory() / max(1, most)))


def _heads(config: Any) -> int:
    """How many rows of attention a token has, in all layers."""
    return int(getattr(config, "num_hidden_layers", 0) or 0) * int(getattr(config, "num_attention_heads", 0) or 0)
