"""LayerNorm tuning: only the layer norms of the backbone are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.errors import MethodError
from pefbench.methods import PeftMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class LnTuning(PeftMethod):
    """Zhao et al. 2024 (arXiv:2312.11420); here every norm of the backbone, that of the embeddings too."""

    learning_rate: ClassVar[float] = 1e-2
    trainable_pattern: ClassVar[str] = r"\.ln_tuning_layers\."
    merges: ClassVar[bool] = True

    def config(self, model: nn.Module) -> PeftConfig:
        """Find the norms in the model's structure. Raises MethodError when there are none with weights."""
        from peft import LNTuningConfig

        from pefbench.models import architecture

        norms = architecture.norms(model)
        if not norms:
            raise MethodError(
                f"method {self.name} does not work on {type(model).__name__}: it has no norms with weights"
            )
        return LNTuningConfig(target_modules=norms)

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model by PEFT, as every method of PEFT does."""
        from pefbench.models.patches import notices

        with notices.norms_without_sizes():
            return super().apply(model, task_type)


METHOD = LnTuning
