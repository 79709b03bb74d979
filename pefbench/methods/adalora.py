"""AdaLoRA: LoRA whose ranks move, during training, to the linear layers that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from pefbench.errors import MethodError
from pefbench.methods import TargetedMethod

if TYPE_CHECKING:
    from pathlib import Path

    from peft import PeftConfig
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.methods._types import MethodState

SENSITIVITY = ("ipt", "exp_avg_ipt", "exp_avg_unc")
"""The rank allocator's state: the last step's sensitivity, its running mean, and that of its uncertainty."""


class Adalora(TargetedMethod):
    """Zhang et al. 2023 (arXiv:2303.10512): W + B diag(E) A, the least important entries of E set to zero.

    Algorithm 1: after `initial` steps the budget, the sum of all ranks, falls as in equation 12 to `target_rank` a
    layer; over the last `final` steps it stays. Importance is that of equations 8 to 11.
    """

    learning_rate: ClassVar[float] = 2e-3
    trainable_pattern: ClassVar[str] = r"\.lora_[ABE]\."
    merges: ClassVar[bool] = True
    why_not_sharded: ClassVar[str] = "it ranks weights by their gradients as it trains, which must be whole; use lora"

    init_rank: int = Field(12, ge=2, description="initial rank of each linear layer; the paper uses 1.5 x target_rank")
    target_rank: int = Field(8, ge=1, description="mean rank at the end")
    alpha: float = Field(16, gt=0, description="the update is scaled by alpha / init_rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the input of A")
    orthogonal_penalty: float = Field(
        0.1, ge=0, description="gamma: weight of the mean distance of A A' and B' B from the identity (equation 4)"
    )
    initial: float = Field(0.1, ge=0, lt=1, description="fraction of the steps before pruning starts")
    final: float = Field(0.5, ge=0, lt=1, description="fraction of the steps, at the end, with the ranks settled")
    interval: int = Field(10, ge=1, description="steps between two allocations")
    sensitivity_smoothing: float = Field(0.85, gt=0, lt=1, description="beta 1 (equation 9)")
    uncertainty_smoothing: float = Field(0.85, gt=0, lt=1, description="beta 2 (equation 10)")

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        """Refuse options that leave nothing to allocate, or no time to do it."""
        if self.init_rank <= self.target_rank:
            raise MethodError(
                f"method.init_rank: {self.init_rank} leaves nothing to prune; it must be above target_rank, "
                f"{self.target_rank}"
            )
        if self.initial + self.final >= 1:
            raise MethodError(
                f"method.initial: {self.initial:g} and method.final: {self.final:g} leave no steps in between"
            )
        return self

    def config(self, model: nn.Module) -> PeftConfig:
        """Target the linear layers that the recipe names, or all of them; `on_train_begin` fills in the schedule."""
        from peft import AdaLoraConfig

        from pefbench.models import linear_layers

        targets = self.targets(model)
        return AdaLoraConfig(
            init_r=self.init_rank,
            target_r=self.target_rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            orth_reg_weight=self.orthogonal_penalty,
            deltaT=self.interval,
            beta1=self.sensitivity_smoothing,
            beta2=self.uncertainty_smoothing,
            total_step=1,
            fan_in_fan_out=any(linear_layers.is_transposed(model.get_submodule(name)) for name in targets),
            target_modules=targets,
        )

    def on_train_begin(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002 - the base's signature
        encoded: Encoded,  # noqa: ARG002 - the base's signature
        steps: int,
    ) -> None:
        """Fit the schedule to the run's steps. Raises MethodError if there are too few."""
        config = _config(model)
        config.total_step = steps
        config.tinit, config.tfinal = self.schedule(steps)

    def schedule(self, steps: int) -> tuple[int, int]:
        """The steps before and after the allocation, which itself takes at least two: one to see, one to choose.

        Raises MethodError if there are fewer.
        """
        if steps < 2:
            raise MethodError(
                f"method {self.name}: needs at least 2 steps to learn which ranks matter, but this run has 1"
            )
        final = min(round(self.final * steps), steps - 2)
        return min(round(self.initial * steps), steps - final - 1), final

    def on_model_ready(self, model: nn.Module) -> None:
        """Restore a loaded model's zero rows: products of matrices with other sizes may be rounded differently."""
        ranks = _config(model).rank_pattern or {}
        for name, kept in ranks.items():
            layer = _layer(model, name)
            if len(layer.lora_E[ADAPTER]) != len(kept):
                _expand(layer, kept)

    def penalty(self, model: nn.Module) -> Tensor | None:
        """The weight x the mean of ||A A' - I|| and ||B' B - I|| over all linear layers.

        As in the authors' code and in PEFT, the Frobenius norms are not squared, unlike in equation 4.
        """
        import torch

        if self.orthogonal_penalty == 0:
            return None
        distances = []
        for name, weight in model.named_parameters():
            if ".lora_A." in name or ".lora_B." in name:
                gram = weight @ weight.T if ".lora_A." in name else weight.T @ weight
                distances.append(torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device)))
        return self.orthogonal_penalty * torch.stack(distances).mean()

    def after_step(self, model: nn.Module, step: int) -> None:
        """Update the sensitivity of every weight, and prune ranks if it is time.

        In fp16, a step with non-finite gradients is skipped; these must not affect the sensitivity either.
        """
        for name, weight in model.named_parameters():
            if ".lora_" in name and weight.grad is not None:
                weight.grad.nan_to_num_(0.0, 0.0, 0.0)
        _tuner(model).update_and_allocate(step)

    def state(self, model: nn.Module) -> MethodState:
        """The allocator's state and the remaining ranks."""
        allocator = _tuner(model).rankallocator
        return {key: dict(getattr(allocator, key)) for key in SENSITIVITY} | {"ranks": _config(model).rank_pattern}

    def restore(self, model: nn.Module, state: MethodState) -> None:
        """Restore what `state` returned, on the model's devices."""
        devices = {name: weight.device for name, weight in _tuner(model).model.named_parameters()}
        for key in SENSITIVITY:
            remembered = {name: tensor.to(devices[name]) for name, tensor in state[key].items()}
            setattr(_tuner(model).rankallocator, key, remembered)
        _config(model).rank_pattern = state["ranks"]

    def save_adapter(self, model: nn.Module, to: Path) -> None:
        """Save as PEFT does, without the pruned ranks; a layer without ranks is not the mistake that PEFT warns of.

        PEFT would drop what the last allocation pruned. However, until the next allocation pruned ranks keep learning,
        and the kept weights may be from a step in between, so only ranks that are zero are dropped.
        """
        from pefbench.models.patches import notices

        saving: Any = model
        for name in (ranks := _config(model).rank_pattern or {}):
            ranks[name] = (_layer(model, name).lora_E[ADAPTER] != 0).flatten().tolist()
        with notices.empty_ranks():
            saving.save_pretrained(to)


ADAPTER = "default"


def _tuner(model: Any) -> Any:
    """PEFT's tuner around the pretrained model."""
    return model.base_model


def _config(model: Any) -> Any:
    return model.peft_config[ADAPTER]


def _layer(model: Any, name: str) -> Any:
    """The adapted layer for an entry of PEFT's `rank_pattern`."""
    return _tuner(model).model.get_submodule(name.partition(".lora_E")[0])


def _expand(layer: Any, kept: list[bool]) -> None:
    """Put a layer's triplets (rows of A and E, columns of B) back in their places; the others are zero."""
    import torch

    where = torch.tensor(kept)
    for matrices, dimension in ((layer.lora_A, 0), (layer.lora_E, 0), (layer.lora_B, 1)):
        left = matrices[ADAPTER]
        shape = list(left.shape)
        shape[dimension] = len(kept)
        whole = left.new_zeros(shape)
        whole.index_copy_(dimension, where.nonzero().flatten().to(left.device), left.detach())
        matrices[ADAPTER] = torch.nn.Parameter(whole, requires_grad=left.requires_grad)


METHOD = Adalora
