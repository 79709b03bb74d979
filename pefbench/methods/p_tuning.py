"""P-tuning: a prompt that a small network computes during training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pefbench.errors import MethodError
from pefbench.methods import at_own_rate
from pefbench.methods._prompt_learning import PromptLearning

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn

    from pefbench.methods._types import ParameterGroup
    from pefbench.methods.tuners.prompt_tokens import PromptTokens


class PTuning(PromptLearning):
    """Liu et al. 2021 (arXiv:2103.10385), section 3; all virtual tokens stand before the text."""

    learning_rate: ClassVar[float] = 1e-2
    searched: ClassVar = {"num_virtual_tokens": (5, 10, 20, 40)}
    dropout_by_example: ClassVar[bool] = False

    num_virtual_tokens: int = Field(20, ge=1, description="length of the prompt")
    encoder: Literal["mlp", "lstm"] = Field(
        "mlp",
        description="the prompt encoder: an MLP of three linear layers, or a bidirectional LSTM followed by two",
    )
    encoder_size: int | None = Field(
        None, ge=1, description="hidden size of the prompt encoder; null: that of the embeddings"
    )
    encoder_layers: int = Field(2, ge=1, description="layers of the LSTM")
    encoder_dropout: float = Field(0.0, ge=0, lt=1, description="dropout between layers of the LSTM")
    encoder_learning_rate_ratio: float = Field(
        0.1, gt=0, description="learning rate of the prompt encoder / that of the head; at the head's rate it diverges"
    )

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        """Refuse options that would have no effect."""
        if self.encoder == "mlp" and self.encoder_layers != 2:
            raise MethodError("method.encoder_layers: applies to encoder lstm only; the mlp always has three layers")
        if self.encoder_dropout and (self.encoder == "mlp" or self.encoder_layers == 1):
            raise MethodError("method.encoder_dropout: applies between layers of the lstm, and there are none")
        return self

    def config(self, model: nn.Module) -> PeftConfig:
        """Give PEFT the size of the model's embeddings."""
        from peft import PromptEncoderConfig

        from pefbench.methods.tuners.prompt_tokens import common_options

        return PromptEncoderConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            encoder_reparameterization_type=self.encoder.upper(),
            encoder_hidden_size=self.encoder_size,
            encoder_num_layers=self.encoder_layers,
            encoder_dropout=self.encoder_dropout,
            **common_options(model),
        )

    def attach(self, model: nn.Module) -> PromptTokens:
        """The prompt before the text."""
        from pefbench.methods.tuners.prompt_tokens import PromptTokens

        return PromptTokens.attach(model)

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model with PEFT, except the encoder's own `mlp_head` if the model has a `head` to save."""
        from peft.utils import ModulesToSaveWrapper

        wrapped: Any = super().apply(model, task_type)
        encoder = wrapped.prompt_encoder[wrapped.active_adapter]
        for name, part in encoder.named_children():
            if isinstance(part, ModulesToSaveWrapper):
                setattr(encoder, name, part.modules_to_save[wrapped.active_adapter])
        return wrapped  # type: ignore[no-any-return]

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:
        """The base's groups, with the encoder in separate groups."""
        encoder: Any = model.prompt_encoder
        groups = super().parameter_groups(model, learning_rate, weight_decay)
        return at_own_rate(groups, encoder.parameters(), learning_rate * self.encoder_learning_rate_ratio)


METHOD = PTuning
