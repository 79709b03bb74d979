"""What methods share that train scale vectors: they start at one, so decaying them towards zero is no rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.methods import PeftMethod

if TYPE_CHECKING:
    from torch import nn

    from pefbench.methods._types import ParameterGroup


class VectorsMethod(PeftMethod):
    """A method of PEFT with scale vectors, which PEFT stores as matrices of one row or column."""

    vectors: ClassVar[str]
    """What the full name of a scale vector contains."""

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:
        """The optimizer's groups; the scale vectors have one of their own, without decay."""
        vectors = {weight for name, weight in model.named_parameters() if self.vectors in name and weight.requires_grad}
        groups = [
            group | {"params": [weight for weight in group["params"] if weight not in vectors]}
            for group in super().parameter_groups(model, learning_rate, weight_decay)
        ]
        apart = [weight for weight in model.parameters() if weight in vectors]
        return [group for group in (*groups, {"params": apart, "weight_decay": 0.0}) if group["params"]]
