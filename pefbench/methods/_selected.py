"""What methods share that train some of the pretrained model's own weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.methods import Method

if TYPE_CHECKING:
    from torch import nn


class SelectedMethod(Method):
    """A method that adds nothing to the model: it trains the weights that `selected` names, and the head."""

    trains_pretrained: ClassVar[bool] = True

    def selected(self, model: nn.Module) -> list[str]:
        """The full names of the weights to train besides the head; raises MethodError if there are none."""
        raise NotImplementedError

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:  # noqa: ARG002 - the base's signature
        """The model itself, with the selected weights and the head trainable and the rest frozen."""
        from pefbench.models import architecture

        selected = self.selected(model)
        model.requires_grad_(requires_grad=False)
        for name in selected:
            model.get_parameter(name).requires_grad_()
        for name in architecture.head_modules(model):
            model.get_submodule(name).requires_grad_()
        return model
