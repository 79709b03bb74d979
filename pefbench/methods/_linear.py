"""What methods share whose PEFT tuner supports torch's linear layer, but not every other kind of linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.errors import MethodError
from pefbench.methods import TargetedMethod

if TYPE_CHECKING:
    from torch import nn


class LinearMethod(TargetedMethod):
    """A PEFT method that adapts nn.Linear, and refuses models whose linear layers are transformers' Conv1D."""

    adapts_quantised: ClassVar[bool]
    """Whether PEFT's tuner also works on the 4-bit and 8-bit linear layers of bitsandbytes."""

    def targets(self, model: nn.Module) -> list[str]:
        """The full names of the linear layers to adapt. Raises MethodError for a kind that PEFT cannot adapt."""
        from pefbench.models import linear_layers

        names = super().targets(model)
        for name in names:
            module = model.get_submodule(name)
            if linear_layers.is_transposed(module):
                raise self._refusal(model, f"{name} is a Conv1D, which PEFT's {self.name} cannot adapt")
            if not self.adapts_quantised and linear_layers.is_quantised(module):
                raise self._refusal(model, f"{name} is quantised, which PEFT's {self.name} cannot adapt")
        return names

    def on_model_ready(self, model: nn.Module) -> None:
        """Make the adapted linear layers return what plain linear layers return under autocast."""
        from pefbench.methods.tuners import adapted_dtype

        adapted_dtype.settle(model)

    def _refusal(self, model: nn.Module, reason: str) -> MethodError:
        return MethodError(f"method {self.name} does not work on {type(model).__name__}: {reason}")
