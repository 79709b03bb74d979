"""Any other method of PEFT, by the name of its type, with the options of its own."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from pefbench.errors import MethodError, suggest
from pefbench.methods import PeftMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peft import PeftConfig
    from torch import nn

REFUSED = {
    "ADALORA": "its ranks are allocated after each step; use method adalora",
    "CPT": "it starts from worked examples as tokens, and has a loss of its own",
    "MULTITASK_PROMPT_TUNING": "it learns from several tasks at once, and a trial has one",
    "POLY": "it learns from several tasks at once, and a trial has one",
    "XLORA": "it mixes adapters that were trained before, and a trial starts from none",
}
"""Types that need more than a configuration, and what that is."""
FILLED_IN = {"auto_mapping", "base_model_name_or_path", "inference_mode", "modules_to_save", "peft_type"} | {
    "peft_version",
    "revision",
    "task_type",
}
"""Fields of PEFT's configurations that are not the recipe's."""
PREFIXES = ("PREFIX_TUNING", "CARTRIDGE")
"""Types whose virtual tokens are keys and values."""
PROMPTS = ("PROMPT_TUNING", "P_TUNING")
"""Types whose virtual tokens are embeddings."""
BIASES = {"none": "", "all": r"|^(?!.*\.original_module\.).*\.bias$"}
"""What an option `bias` adds to what is trained; others than these add the biases of the adapted maps."""
WITHOUT_TARGETS = ("ADAPTION_PROMPT", "SHADOW", "TRAINABLE_TOKENS")
"""Types whose target modules are no linear layers; PEFT finds them."""
FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What PEFT raises for options and models that do not go together."""


class Peft(PeftMethod):
    """A type of PEFT as it comes: https://huggingface.co/docs/peft says what each is, its options and its paper.

    Target modules that are not given are all linear layers in the transformer blocks, or what the type adapts instead.
    """

    learning_rate: ClassVar[float] = 1e-3

    type: str = Field(description="a member of peft.PeftType, such as RANDLORA")
    options: dict[str, Any] = Field(default_factory=dict, description="the fields of that type's configuration")

    @field_validator("type")
    @classmethod
    def _in_capitals(cls, value: str) -> str:
        """Take a type's name in small letters too."""
        return value.upper()

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        """Refuse types and options that do not exist, or cannot work in a trial."""
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

        valid = [kind.value for kind in PEFT_TYPE_TO_CONFIG_MAPPING]
        if self.type not in valid:
            raise MethodError(f"method.type: unknown {self.type!r}; {suggest(self.type, set(valid) - {*REFUSED})}")
        if self.type in REFUSED:
            raise MethodError(f"method.type: {self.type} does not work here: {REFUSED[self.type]}")
        for option in self.options:
            if option not in self._fields() - FILLED_IN:
                valid = sorted(self._fields() - FILLED_IN)
                raise MethodError(f"method.options.{option}: unknown to {self.type}; {suggest(option, valid)}")
        if reason := self._objection():
            raise MethodError(f"method.options.{reason}")
        return self

    @property
    def trainable_pattern(self) -> str:  # type: ignore[override]  # the base's is a constant; here it follows from the type
        """Return what is trained beside the head."""
        from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

        if self.type in PREFIXES + PROMPTS:
            return r"^prompt_encoder\.(?!\w+\.frozen_embedding$)"
        if self.type == "ADAPTION_PROMPT":
            return r"\.adaption_(prompt|gate)$"
        bias = BIASES.get(self.options.get("bias", "none"), r"|\.base_layer\.bias$")
        return rf"\.{re.escape(PEFT_TYPE_TO_PREFIX_MAPPING[self.type])}{bias}"

    def virtual_tokens(self) -> int:
        """Return the length of a prefix or a prompt."""
        return int(self.options["num_virtual_tokens"]) if self.type in PREFIXES + PROMPTS else 0

    def config(self, model: nn.Module) -> PeftConfig:
        """Lay the options over what the type needs to know of the model."""
        config: PeftConfig = self._config_class()(**{**self._defaults(model)} | self.options)
        return config

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model by PEFT, and see that it computes. Raises MethodError with what PEFT says when it cannot."""
        from pefbench.models import architecture

        kind, heads = type(model).__name__, architecture.head_modules(model)
        if heads and "modules_to_save" not in self._fields():
            raise MethodError(
                f"{self.type} does not work on {kind}: PEFT trains no head beside it ({', '.join(heads)})"
            )
        try:
            wrapped = super().apply(model, task_type)
            self._check_quantised(wrapped)
            self.on_model_ready(wrapped)
            self._try(wrapped)
        except FAILURES as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise MethodError(f"{self.type} does not work on {kind}: {reason}") from error
        return wrapped

    def on_model_ready(self, model: nn.Module) -> None:
        """Put virtual tokens to work, or let the adapted maps return what linear layers do."""
        from pefbench.methods.tuners import adapted_dtype
        from pefbench.methods.tuners.prefix_tokens import PrefixTokens
        from pefbench.methods.tuners.prompt_tokens import PromptTokens

        if self.type in PREFIXES:
            PrefixTokens.attach(model)
        elif self.type in PROMPTS:
            PromptTokens.attach(model)
        else:
            adapted_dtype.settle(model)

    def _config_class(self) -> Any:
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

        return PEFT_TYPE_TO_CONFIG_MAPPING[self.type]

    def _fields(self) -> set[str]:
        return {field.name for field in dataclasses.fields(self._config_class())}

    def _objection(self) -> str | None:
        """Return the option that cannot work, and why, or None."""
        options = self.options
        length = options.get("num_virtual_tokens")
        if self.type in PREFIXES + PROMPTS and not (isinstance(length, int) and length > 0):
            return f"num_virtual_tokens: {self.type} needs their number, got {length!r}"
        if self.type == "LORA" and options.get("init_lora_weights", True) not in (True, False, "gaussian"):
            return "init_lora_weights: only true, false and gaussian here; method lora has those that need no data"
        if self.type == "ADAMSS" and options.get("use_asa"):
            return "use_asa: subspaces are dropped after each step, which only method adalora is told of"
        if self.type == "SHADOW" and options.get("auxiliary_loss_weight") != 0:
            return "auxiliary_loss_weight: must be 0, as the loss is computed outside the model"
        return None

    def _defaults(self, model: nn.Module) -> Mapping[str, object]:
        """Return options that follow from the model, for those of them that the type has."""
        from pefbench.models import architecture

        if self.type in PREFIXES:
            return _prefix_sizes(model)
        if self.type in PROMPTS:
            from pefbench.methods.tuners.prompt_tokens import common_options

            return common_options(model)
        if self.type == "LN_TUNING":
            return {"target_modules": architecture.norms(model)}
        if self.type == "IA3" and "target_modules" not in self.options:
            return _ia3_targets(model)
        if self.type in WITHOUT_TARGETS:
            return {}
        linear = architecture.linear_modules(model)
        transposed = any(architecture.is_transposed(model.get_submodule(name)) for name in linear)
        found = {"target_modules": linear, "fan_in_fan_out": transposed, "progressbar": False}
        return {option: value for option, value in found.items() if option in self._fields()}

    def _check_quantised(self, wrapped: nn.Module) -> None:
        """Raise MethodError where PEFT would take quantised weights for the numbers that they stand for."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        from pefbench.models import architecture

        for name, layer in wrapped.named_modules():
            if isinstance(layer, BaseTunerLayer) and architecture.is_quantised(layer.get_base_layer()):
                made_for_it = "bit" in type(layer).__name__  # Linear4bit, Linear8bitLt
                if not made_for_it and getattr(layer, "quantization_backend", None) is None:
                    raise MethodError(
                        f"{self.type} does not work on {name}: it is quantised, which PEFT's is not made for"
                    )

    def _try(self, wrapped: Any) -> None:
        """Run the model on two tokens: some options fit the layers' sizes only in PEFT's opinion."""
        import torch

        from pefbench.methods.tuners import prefix_tokens

        if self.type != "SHADOW":  # it computes around the whole model
            prefix_tokens.run(wrapped.get_base_model(), torch.zeros(2, dtype=torch.long))


def _prefix_sizes(model: nn.Module) -> dict[str, int]:
    from pefbench.methods.tuners import prefix_tokens

    shape = prefix_tokens.shape(model)
    return {
        "num_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "token_dim": shape.heads * shape.size,
    }


def _ia3_targets(model: nn.Module) -> dict[str, list[str]]:
    from pefbench.models import architecture

    outputs = [feed_forward.output for feed_forward in architecture.feed_forwards(model)]
    return {"target_modules": architecture.keys_and_values(model) + outputs, "feedforward_modules": outputs}


METHOD = Peft
