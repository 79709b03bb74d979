"""Which weights of a training run are kept: those of the last step, or of the best evaluation on validation."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypedDict

from pefbench.trial import checkpoints

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pefbench.methods import Method
    from pefbench.methods._types import MethodState


class Weights(TypedDict):
    """What is kept of a step: the trained weights, on the CPU, and the method's own state."""

    trained: dict[str, Tensor]
    method: MethodState


@dataclass
class Best:
    """The best evaluation so far, and how many there have been since. Plain numbers, for a checkpoint."""

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

    def plain(self) -> dict[str, object]:
        """The fields, for a checkpoint."""
        return asdict(self)


def copied(model: nn.Module, method: Method) -> Weights:
    """A copy of what the model has now."""
    trained = {name: weight.to("cpu", copy=True) for name, weight in checkpoints.trained_state(model).items()}
    return {"trained": trained, "method": copy.deepcopy(dict(method.state(model)))}


def put_back(model: nn.Module, method: Method, weights: Weights) -> None:
    """Give the model what `copied` took."""
    checkpoints.restore_trained(model, weights["trained"])
    method.restore(model, weights["method"])
