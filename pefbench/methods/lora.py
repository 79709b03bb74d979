"""LoRA and its variants: low-rank updates added to the frozen linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pefbench.errors import MethodError
from pefbench.methods import TargetedMethod, at_own_rate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from peft import PeftConfig
    from torch import nn

    from pefbench.methods._types import ParameterGroup

RESIDUAL = ("pissa", "olora")
"""Inits that subtract the initial product of A and B from the pretrained weights."""
DECOMPOSING = (*RESIDUAL, "mica")
"""Inits that decompose the pretrained weights."""
FLOATING = (*DECOMPOSING, "orthogonal")
"""Inits that read the pretrained weights, or use their dtype."""


class Lora(TargetedMethod):
    """Hu et al. 2022 (arXiv:2106.09685), section 4.1: h = W x + (alpha / rank) B A x."""

    learning_rate: ClassVar[float] = 1e-3
    searched: ClassVar = {"rank": (4, 8, 16, 32)}
    merges: ClassVar[bool] = True

    rank: int = Field(8, ge=1, description="rows of A and columns of B")
    alpha: float = Field(16, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the input of A")
    rslora: bool = Field(
        default=False, description="scale by alpha / sqrt(rank) (rsLoRA, arXiv:2312.03732, theorem 3.2)"
    )
    dora: bool = Field(
        default=False,
        description="train the norms of the weight's rows apart from their directions (DoRA, arXiv:2402.09353, eq. 5)",
    )
    init: Literal["default", "gaussian", "orthogonal", "pissa", "olora", "mica"] = Field(
        "default",
        description="default: A Kaiming uniform, B zero; gaussian: A normal, B zero; orthogonal: A and B from one "
        "orthogonal matrix, their product zero; pissa: both from W's largest singular vectors (arXiv:2404.02948, eq. "
        "2-4); olora: from W's QR decomposition (arXiv:2406.01775, algorithm 1); mica: B from W's smallest singular "
        "vectors and frozen, A zero (arXiv:2604.01694)",
    )
    svd_iterations: int | None = Field(
        None, ge=1, description="pissa: subspace iterations of a fast randomised SVD; null: the exact one"
    )
    b_learning_rate_ratio: float | None = Field(
        None, ge=1, description="B's learning rate / A's (LoRA+, arXiv:2402.12354, which advises 16); null: one rate"
    )
    bias: Literal["none", "lora_only"] = Field(
        "none", description="lora_only: the adapted layers' own biases are trained too"
    )

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        """Refuse options that contradict each other."""
        if self.init == "orthogonal" and self.rank % 2:
            raise MethodError(f"method.init: orthogonal needs an even rank, got {self.rank}")
        if self.svd_iterations is not None and self.init != "pissa":
            raise MethodError(f"method.svd_iterations: applies to init pissa only, and init is {self.init}")
        if self.init == "mica" and self.b_learning_rate_ratio is not None:
            raise MethodError("method.b_learning_rate_ratio: init mica does not train B")
        if self.init == "mica" and self.dora:
            raise MethodError("method.dora: does not work with init mica, whose B is frozen")
        return self

    @property
    def trainable_pattern(self) -> str:  # type: ignore[override]  # the base's is a constant; here it follows from the options
        """What is trained besides the head."""
        matrices = "A" if self.init == "mica" else "A|B|magnitude_vector"
        return rf"\.lora_({matrices})\." + (r"|\.base_layer\.bias$" if self.bias == "lora_only" else "")

    def config(self, model: nn.Module) -> PeftConfig:
        """Target the linear layers that the recipe names, or all. Raises MethodError if the init is impossible."""
        from peft import LoraConfig

        from pefbench.models import linear_layers

        targets = self.targets(model)
        layers = [model.get_submodule(name) for name in targets]
        self._check_init(layers)
        if self.bias == "lora_only" and not any(getattr(linear, "bias", None) is not None for linear in layers):
            raise MethodError(f"method.bias: the adapted linear layers of {type(model).__name__} have no bias to train")
        return LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            use_rslora=self.rslora,
            use_dora=self.dora,
            init_lora_weights=self._init(),
            bias=self.bias,
            fan_in_fan_out=any(linear_layers.is_transposed(linear) for linear in layers),
            target_modules=targets,
        )

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model with PEFT; if the init splits the pretrained weights, keep the initial A and B for saving."""
        wrapped = super().apply(model, task_type)
        if self.init in RESIDUAL:
            from pefbench.methods.tuners import residual_lora

            residual_lora.remember(wrapped)
        return wrapped

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:
        """The base's groups; with a ratio, B's weights are in groups with their own rate."""
        groups = super().parameter_groups(model, learning_rate, weight_decay)
        if self.b_learning_rate_ratio is None:
            return groups
        faster = [weight for name, weight in model.named_parameters() if ".lora_B." in name]
        return at_own_rate(groups, faster, learning_rate * self.b_learning_rate_ratio)

    def on_model_ready(self, model: nn.Module) -> None:
        """Fuse the plain layers, so that each computes in one pass."""
        from pefbench.methods.tuners import fused_lora, residual_lora

        if self.init in RESIDUAL:
            residual_lora.fold(model, self.rank, self.alpha)
        if self.bias == "none":  # a loaded model does not show trained biases, and must compute as the trained one did
            fused_lora.fuse(model)

    def fast_paths(self, model: nn.Module) -> Sequence[str]:
        """The fused layers."""
        from pefbench.methods.tuners import fused_lora

        return ["fused_lora"] if fused_lora.fused(model) else []

    def undo_fast_paths(self, model: nn.Module) -> None:
        """Compute as PEFT does."""
        from pefbench.methods.tuners import fused_lora

        fused_lora.undo(model)

    def save_adapter(self, model: nn.Module, to: Path) -> None:
        """Save the adapter as PEFT does, as a plain LoRA whatever the init."""
        if self.init in RESIDUAL:
            from pefbench.methods.tuners import residual_lora

            residual_lora.save(model, to)
        else:
            saving: Any = model
            saving.save_pretrained(to)

    def _init(self) -> bool | str:
        """PEFT's name for the init."""
        if self.svd_iterations is not None:
            return f"pissa_niter_{self.svd_iterations}"
        return True if self.init == "default" else self.init

    def _check_init(self, layers: list[nn.Module]) -> None:
        """Raise MethodError if the init does not support the pretrained weights."""
        from pefbench.models import linear_layers

        if self.init in FLOATING and any(linear_layers.is_quantised(linear) for linear in layers):
            raise MethodError(f"method.init: {self.init} does not work on quantised weights; use default or gaussian")
        if self.init == "olora" and any(linear_layers.is_transposed(linear) for linear in layers):
            raise MethodError(
                "method.init: olora does not work on Conv1D, whose weights PEFT would decompose transposed"
            )
        smallest = min(min(linear_layers.features(linear)) for linear in layers)
        if self.init in DECOMPOSING and self.rank > smallest:
            raise MethodError(f"method.rank: {self.rank}; init {self.init} has only {smallest} vectors to start from")


METHOD = Lora
