"""Full fine-tuning: every weight of the model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from pefbench.errors import MethodError
from pefbench.methods import Method

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


class Full(Method):
    """Devlin et al. 2019 (arXiv:1810.04805), section 3.2: all parameters are fine-tuned end to end."""

    learning_rate: ClassVar[float] = 3e-4
    trainable_pattern: ClassVar[str] = ""
    trains_pretrained: ClassVar[bool] = True

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:  # noqa: ARG002 - the base's signature
        """The model itself with every weight trainable that its architecture trains.

        Raises MethodError for a quantised model.
        """
        from pefbench.models import architecture, linear_layers

        quantised = (name for name, module in model.named_modules() if linear_layers.is_quantised(module))
        if name := next(quantised, None):
            raise MethodError(
                f"method {self.name} does not work on a quantised {type(model).__name__}: {name} is quantised, and "
                f"quantised weights have no gradients; leave out model.quantize, or use an adapter method"
            )
        fixed = architecture.fixed_weights(cast("PreTrainedModel", model))
        for name, weight in model.named_parameters():
            weight.requires_grad_(name not in fixed)
        return model


METHOD = Full
