"""Which weights of a training run are kept: those of the last step, or of the best evaluation on validation."""

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
    """What is kept of a step: the trained weights, on the CPU, and the method's own state."""

    trained: dict[str, Tensor]
    method: MethodState


class State(TypedDict):
    """What a `Keeper` knows, for a checkpoint."""

    best: Plain  # of `Best`
    weights: Weights | None  # None where the best step is the checkpoint's own, whose weights are there already


@dataclass
class Best:
    """The best evaluation so far, and how many there have been since."""

    step: int = 0
    value: float | None = None
    waited: int = 0

    def improves(self, step: int, value: float | None, *, higher: bool) -> bool:
        """Note an evaluation; return whether it is better than all before. None, a value that is not finite, is not."""
        better = value is not None and (self.value is None or (value > self.value if higher else value < self.value))
        if better:
            self.step, self.value, self.waited = step, value, 0
        else:
            self.waited += 1
        return better


class Keeper:
    """Keeps the weights of the best evaluation, where `train.keep` is best, and counts for `train.patience`."""

    def __init__(self, model: nn.Module, method: Method, settings: TrainSection) -> None:
        self.model, self.method, self.settings = model, method, settings
        self.best = Best()
        self.weights: Weights | None = None

    def note(self, step: int, value: float | None, *, higher: bool) -> bool:
        """Note the evaluation of a step; return whether its weights are now the kept ones."""
        kept = self.best.improves(step, value, higher=higher) and self.settings.keep == "best"
        if kept:
            self.weights = copied(self.model, self.method)
        return kept

    @property
    def out_of_patience(self) -> bool:
        """Whether there have been `train.patience` evaluations in a row without a better one."""
        return self.settings.patience is not None and self.best.waited >= self.settings.patience

    def step(self, newest: int) -> int:
        """The step whose weights are kept, of a run that has come to step `newest`."""
        return self.best.step if self.settings.keep == "best" and self.best.step else newest

    def put_back(self, newest: int) -> bool:
        """Give the model the kept weights; return whether they are others than those of the newest step."""
        if self.weights is None or self.step(newest) == newest:
            return False
        put_back(self.model, self.method, self.weights)
        return True

    def state(self, newest: int) -> State:
        """What a checkpoint at step `newest` needs beside the model's weights."""
        return {"best": asdict(self.best), "weights": None if self.best.step == newest else self.weights}

    def restore(self, state: State, newest: int) -> None:
        """Go on from a `state`, with the model's weights of that step in place."""
        self.best = Best(**state["best"])
        if self.settings.keep == "best" and self.best.step:
            self.weights = copied(self.model, self.method) if self.best.step == newest else state["weights"]


def copied(model: nn.Module, method: Method) -> Weights:
    """A copy of what the model has now."""
    weights = {name: weight.to("cpu", copy=True) for name, weight in trained.state(model).items()}
    return {"trained": weights, "method": copy.deepcopy(dict(method.state(model)))}


def put_back(model: nn.Module, method: Method, weights: Weights) -> None:
    """Give the model what `copied` took."""
    trained.restore(model, weights["trained"])
    method.restore(model, weights["method"])
