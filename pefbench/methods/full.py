"""Full fine-tuning: every weight of the model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.methods import Method

if TYPE_CHECKING:
    from torch import nn


class Full(Method):
    """Devlin et al. 2019 (arXiv:1810.04805), section 3.2: all parameters are fine-tuned end to end."""

    learning_rate: ClassVar[float] = 3e-4
    trains: ClassVar[str] = ""

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:  # noqa: ARG002 - the base's signature
        """Return the model itself with every weight trainable."""
        return model.requires_grad_(requires_grad=True)


METHOD = Full
