"""Any other method of PEFT, by the name of its type, with its own options."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from pefbench.errors import MethodError, suggest
from pefbench.methods import Failures, PeftMethod, _peft_types
from pefbench.methods._peft_types import REFUSED
from pefbench.methods._vectors import undecayed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peft import PeftConfig
    from torch import nn

    from pefbench.methods._types import ParameterGroup

FILLED_IN = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "inference_mode",
        "modules_to_save",
        "peft_type",
        "peft_version",
        "revision",
        "task_type",
    }
)
"""Fields of PEFT's configurations that a recipe cannot set."""
BIASES = {"none": "", "all": r"|^(?!.*\.original_module\.).*\.bias$"}
"""What an option `bias` adds to the trained weights; any other value adds the biases of the adapted layers."""
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
"""What PEFT's own functions and layers raise for incompatible options and models."""


class Peft(PeftMethod):
    """A type of PEFT as it comes: https://huggingface.co/docs/peft says what each is, its options and its paper.

    Target modules that are not given are all linear layers in the transformer blocks, or what the type adapts instead.
    """

    learning_rate: ClassVar[float] = 1e-3
    dropout_by_example: ClassVar[bool] = False
    peft_failures: ClassVar[Failures] = FAILURES

    type: str = Field(description="a member of peft.PeftType, such as RANDLORA")
    # Any: each type has its own fields, which PEFT's class checks.
    options: dict[str, Any] = Field(default_factory=dict, description="the fields of that type's configuration")

    @field_validator("type")
    @classmethod
    def _in_capitals(cls, value: str) -> str:
        """Accept a type's name in lower case, too."""
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
        if reason := self._spec.objection(self.options):
            raise MethodError(f"method.options.{reason}")
        return self

    @property
    def trainable_pattern(self) -> str:  # type: ignore[override]  # the base's is a constant; here it follows from the type
        """What is trained besides the head."""
        from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

        if self._spec.trainable_pattern is not None:
            return self._spec.trainable_pattern
        bias = BIASES.get(self.options.get("bias", "none"), r"|\.base_layer\.bias$")
        return rf"\.{re.escape(PEFT_TYPE_TO_PREFIX_MAPPING[self.type])}{bias}"

    def virtual_tokens(self) -> int:
        """The length of a prefix or a prompt."""
        return int(self.options["num_virtual_tokens"]) if self._spec.virtual_tokens != "none" else 0

    def config(self, model: nn.Module) -> PeftConfig:
        """The options, with defaults that follow from the model. Raises MethodError for options that PEFT refuses."""
        fields = {**self._defaults(model)} | self.options
        with self.refused_by_peft(model):
            config: PeftConfig = self._config_class()(**fields)
        return config

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model with PEFT and check that it computes. Raises MethodError with PEFT's message otherwise."""
        from pefbench.methods.tuners import placed
        from pefbench.models import architecture

        kind, heads = type(model).__name__, architecture.head_modules(model)
        if heads and "modules_to_save" not in self._fields():
            raise MethodError(
                f"{self.type} does not work on {kind}: PEFT trains no head beside it ({', '.join(heads)})"
            )
        wrapped: Any = super().apply(model, task_type)
        self._check_quantised(wrapped)
        if self._spec.can_be_tried and self._spec.virtual_tokens == "none":
            with self.refused_by_peft(model):
                _run(wrapped)
        self.on_model_ready(wrapped)
        if self._spec.virtual_tokens != "none":
            placed.mark(wrapped.virtual_tokens)
            _run(wrapped)
        return wrapped  # type: ignore[no-any-return]

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:
        """The optimizer's groups; scale vectors have a separate group, without decay."""
        groups = super().parameter_groups(model, learning_rate, weight_decay)
        return undecayed(groups, model, self._spec.vectors) if self._spec.vectors else groups

    def on_model_ready(self, model: nn.Module) -> None:
        """Insert virtual tokens, or make the adapted layers return what linear layers do."""
        from pefbench.methods.tuners import adapted_dtype
        from pefbench.methods.tuners.prefix_tokens import PrefixTokens
        from pefbench.methods.tuners.prompt_tokens import PromptTokens

        match self._spec.virtual_tokens:
            case "keys and values":
                PrefixTokens.attach(model)
            case "embeddings":
                PromptTokens.attach(model)
            case "none":
                adapted_dtype.settle(model)

    @property
    def title(self) -> str:
        """The type, by which PEFT's documentation names it."""
        return self.type

    @property
    def _spec(self) -> _peft_types.Spec:
        return _peft_types.of(self.type)

    def _config_class(self) -> Any:
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

        return PEFT_TYPE_TO_CONFIG_MAPPING[self.type]

    def _fields(self) -> set[str]:
        return {field.name for field in dataclasses.fields(self._config_class())}

    def _defaults(self, model: nn.Module) -> Mapping[str, object]:
        """Options that follow from the model, as far as the type has them."""
        from pefbench.models import architecture, linear_layers

        if self._spec.defaults is not None and not (self.type == "IA3" and "target_modules" in self.options):
            return self._spec.defaults(model)
        linear = architecture.linear_modules(model)
        transposed = any(linear_layers.is_transposed(model.get_submodule(name)) for name in linear)
        found = {"target_modules": linear, "fan_in_fan_out": transposed, "progressbar": False}
        return {option: value for option, value in found.items() if option in self._fields()}

    def _check_quantised(self, wrapped: nn.Module) -> None:
        """Raise MethodError if PEFT would use the packed values of quantised weights as if they were the weights."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        from pefbench.models import linear_layers

        for name, layer in wrapped.named_modules():
            if isinstance(layer, BaseTunerLayer) and linear_layers.is_quantised(layer.get_base_layer()):
                made_for_it = "bit" in type(layer).__name__  # Linear4bit, Linear8bitLt
                if not made_for_it and getattr(layer, "quantization_backend", None) is None:
                    raise MethodError(
                        f"{self.type} does not work on {name}: it is quantised, which PEFT's implementation does not "
                        f"support"
                    )


def _run(wrapped: Any) -> None:
    """Run the model on a short text: PEFT accepts some options although they do not fit the layers' sizes."""
    from pefbench.methods.tuners import prefix_tokens

    prefix_tokens.probe(wrapped.get_base_model())


METHOD = Peft
