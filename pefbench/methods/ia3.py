"""(IA)3: trained vectors rescale the keys, the values and the hidden units of the feed-forward layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pefbench.methods._vectors import VectorsMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Ia3(VectorsMethod):
    """Liu et al. 2022 (arXiv:2205.05638), section 3.3; the vectors start at one.

    Where queries, keys and values are one fused linear layer, all of its output is rescaled.
    """

    learning_rate: ClassVar[float] = 2e-2
    trainable_pattern: ClassVar[str] = r"\.ia3_l\."
    merges: ClassVar[bool] = True
    vectors: ClassVar[str] = ".ia3_l."

    def config(self, model: nn.Module) -> PeftConfig:
        """Find the keys, the values and the feed-forwards in the model's structure."""
        from peft import IA3Config

        from pefbench.models import linear_layers, sublayers

        outputs = [feed_forward.output for feed_forward in sublayers.feed_forwards(model)]
        targets = sublayers.keys_and_values(model) + outputs
        return IA3Config(
            target_modules=targets,
            feedforward_modules=outputs,
            fan_in_fan_out=any(linear_layers.is_transposed(model.get_submodule(name)) for name in targets),
        )


METHOD = Ia3
