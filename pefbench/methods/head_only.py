"""Linear probing: only the head is trained, on the features of the frozen model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.errors import MethodError
from pefbench.methods import NOTHING
from pefbench.methods._selected import SelectedMethod

if TYPE_CHECKING:
    from torch import nn


class HeadOnly(SelectedMethod):
    """Alain and Bengio 2017 (arXiv:1610.01644): how well the pretrained features do by themselves; a floor."""

    learning_rate: ClassVar[float] = 3e-2
    trainable_pattern: ClassVar[str] = NOTHING
    trains_pretrained: ClassVar[bool] = False

    def selected(self, model: nn.Module) -> list[str]:
        """No weights; raises MethodError for a model without its own head."""
        from pefbench.models import architecture

        if not architecture.head_modules(model):
            raise MethodError(
                f"method {self.name} does not work on {type(model).__name__}: it has no head of its own to train "
                "(the output embeddings of a language model are part of the pretrained weights)"
            )
        return []


METHOD = HeadOnly
