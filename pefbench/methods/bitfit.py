"""BitFit: only the biases of the pretrained model are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pefbench.errors import MethodError
from pefbench.methods._selected import SelectedMethod

if TYPE_CHECKING:
    from torch import nn


class BitFit(SelectedMethod):
    """Ben Zaken et al. 2022 (arXiv:2106.10199), section 3."""

    learning_rate: ClassVar[float] = 5e-3
    trainable_pattern: ClassVar[str] = r"bias$"

    biases: Literal["all", "query_and_mlp"] = Field(
        "all",
        description="which biases are trained: all, or query_and_mlp: those of the query projections and of each "
        "feed-forward block's first layer, about half, for nearly the same score in the paper",
    )

    def selected(self, model: nn.Module) -> list[str]:
        """The names of the biases; raises MethodError if the model has none, or lacks the chosen ones."""
        from pefbench.models import architecture, sublayers

        if self.biases == "query_and_mlp":
            inputs = [name for feed_forward in sublayers.feed_forwards(model) for name in feed_forward.inputs]
            return [self._bias_of(model, name) for name in sublayers.queries(model) + inputs]
        heads = tuple(f"{name}." for name in architecture.head_modules(model))
        found = [name for name, _ in model.named_parameters() if name.endswith("bias") and not name.startswith(heads)]
        if not found:
            raise MethodError(f"method {self.name} does not work on {type(model).__name__}: its backbone has no biases")
        return found

    def _bias_of(self, model: nn.Module, linear: str) -> str:
        if getattr(model.get_submodule(linear), "bias", None) is None:
            raise MethodError(
                f"method {self.name} with biases query_and_mlp does not work on {type(model).__name__}: "
                f"{linear} has no bias"
            )
        return f"{linear}.bias"


METHOD = BitFit
