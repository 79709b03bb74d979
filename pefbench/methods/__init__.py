"""What a fine-tuning method is: typed options, and how to apply them to a model.

One file is one method; its class is ``METHOD``. What repeats belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from pefbench.errors import MethodError, suggest

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Method(BaseModel):
    """A method's options, as the recipe's ``method:`` section names them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(description="the method's name: `pefbench list methods`")

    learning_rate: ClassVar[float]
    """Peak learning rate that suits the method on a small encoder; a recipe may name another."""

    def train_defaults(self) -> dict[str, Any]:
        """Return what the method prefers in the recipe's ``train:`` section."""
        return {"learning_rate": self.learning_rate}

    def virtual_tokens(self) -> int:
        """Return how many positions of the model the method takes for itself."""
        return 0

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Return the model with the method's weights trainable, its head among them, and the rest frozen.

        `task_type` is the form's name in PEFT, such as TOKEN_CLS. Raises MethodError when the method finds nothing to
        work on.
        """
        raise NotImplementedError

    def prepare(self, model: nn.Module) -> None:
        """Make a model with this method, new or loaded, ready to compute; what it computes stays the same."""


class PeftMethod(Method):
    """A method that PEFT implements, or that is registered with it."""

    def config(self, model: nn.Module, task_type: str) -> PeftConfig:
        """Return PEFT's configuration for this model."""
        raise NotImplementedError

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model by PEFT; the head is trained and saved with the adapter."""
        from peft import get_peft_model

        wrapped: nn.Module = get_peft_model(model, self.config(model, task_type))
        return wrapped


def targets(model: nn.Module, named: list[str] | None) -> list[str]:
    """Return the full names of the linear maps whose name ends as the recipe says, or of all in the blocks.

    The head is never among them: it is trained as a whole. Raises MethodError for an ending that matches nothing.
    """
    from pefbench import structure

    linear = structure.linear_modules(model)
    if named is None:
        return linear
    for ending in named:
        if not any(_ends(name, ending) for name in linear):
            endings = {name.rpartition(".")[2] for name in linear}
            raise MethodError(
                f"method.target_modules: {ending!r} matches no linear map of {type(model).__name__}; "
                f"{suggest(ending, endings)}"
            )
    return [name for name in linear if any(_ends(name, ending) for ending in named)]


def _ends(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f".{ending}")
