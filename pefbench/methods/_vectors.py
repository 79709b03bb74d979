"""What methods share that train scale vectors: these start at one, so decaying them towards zero is not neutral."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.methods import PeftMethod

if TYPE_CHECKING:
    from torch import nn

    from pefbench.methods._types import ParameterGroup


class VectorsMethod(PeftMethod):
    """A PEFT method with scale vectors, which PEFT stores as matrices of one row or column."""

    vectors: ClassVar[str]
    """A part of the full names of scale vectors."""

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:
        """The optimizer's groups; the scale vectors have a separate group, without decay."""
        return undecayed(super().parameter_groups(model, learning_rate, weight_decay), model, self.vectors)


def undecayed(groups: list[ParameterGroup], model: nn.Module, vectors: str) -> list[ParameterGroup]:
    """An optimizer's groups, with the trained weights whose names contain `vectors` in a last group, without decay."""
    apart = {weight: None for name, weight in model.named_parameters() if vectors in name and weight.requires_grad}
    others = [group | {"params": [weight for weight in group["params"] if weight not in apart]} for group in groups]
    return [group for group in (*others, {"params": [*apart], "weight_decay": 0.0}) if group["params"]]
