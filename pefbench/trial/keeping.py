"""Selects the weights that a training run keeps: those of the last step, or of the best evaluation on validation."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypedDict

from pefbench.trial import trained

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pefbench.methods import Method
    from pefbench.methods._types import MethodState
    from pefbench.sections import TrainSection
    from pefbench.trial.progressed import Plain


class Weights(TypedDict):
    """The weights kept from a step: the trained weights, on the CPU, and the method's own state."""

    trained: dict[str, Tensor]
    method: MethodState


class State(TypedDict):
    """The state of a `Keeper`, for a checkpoint."""

    best: Plain  # of `Best`
    weights: Weights | None  # None if the best step is the checkpoint's own, which already has its weights


@dataclass
class Best:
    """The best evaluation so far, and the number of evaluations since."""

    step: int = 0
    value: float | None = None
    waited: int = 0

    def improves(self, step: int, value: float | None, *, higher: bool) -> bool:
        """Record an evaluation; return whether it is better than all before. None, a non-finite value, is not."""
        better = value is not None and (self.value is None or (value > self.value if higher else value < self.value))
        if better:
            self.step, self.value, self.waited = step, value, 0
        else:
            self.waited += 1
        return better


class Keeper:
    """Keeps the weights of the best evaluation, if `train.keep` is best, and counts for `train.patience`."""

    def __init__(self, model: nn.Module, method: Method, settings: TrainSection) -> None:
        self.model, self.method, self.settings = model, method, settings
        self.best = Best()
        self.weights: Weights | None = None

    def note(self, step: int, value: float | None, *, higher: bool) -> bool:
        """Record the evaluation of a step; return whether its weights are now kept."""
        kept = self.best.improves(step, value, higher=higher) and self.settings.keep == "best"
        if kept:
            self.weights = copied(self.model, self.method)
        return kept

    @property
    def out_of_patience(self) -> bool:
        """Whether there have been `train.patience` evaluations in a row without a better one."""
        return self.settings.patience is not None and self.best.waited >= self.settings.patience

    def step(self, newest: int) -> int:
        """The step whose weights are kept in a run that has reached step `newest`."""
        return self.best.step if self.settings.keep == "best" and self.best.step else newest

    def put_back(self, newest: int) -> bool:
        """Give the model the kept weights; return whether they differ from those of the newest step."""
        if self.weights is None or self.step(newest) == newest:
            return False
        put_back(self.model, self.method, self.weights)
        return True

    def state(self, newest: int) -> State:
        """The keeper's state for a checkpoint at step `newest`, which already holds the model's weights."""
        return {"best": asdict(self.best), "weights": None if self.best.step == newest else self.weights}

    def restore(self, state: State, newest: int) -> None:
        """Resume from a `state`, with the model's weights of that step in place."""
        self.best = Best(**state["best"])
        if self.settings.keep == "best" and self.best.step:
            self.weights = copied(self.model, self.method) if self.best.step == newest else state["weights"]


def copied(model: nn.Module, method: Method) -> Weights:
    """A copy of the model's trained weights and the method's state."""
    weights = {name: weight.to("cpu", copy=True) for name, weight in trained.state(model).items()}
    return {"trained": weights, "method": copy.deepcopy(dict(method.state(model)))}


def put_back(model: nn.Module, method: Method, weights: Weights) -> None:
    """Restore what `copied` returned."""
    trained.restore(model, weights["trained"])
    method.restore(model, weights["method"])
