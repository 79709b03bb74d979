"""The base classes of fine-tuning methods: typed options, and how to apply them to a model.

Each method is a file; its class is ``METHOD``. Shared code belongs here, or in a file whose name begins with `_`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from pefbench.errors import MethodError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from peft import PeftConfig
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.methods._types import MethodState, ParameterGroup

Failures = tuple[type[Exception], ...]
"""Kinds of exceptions."""
OUTPUTS = "qa_outputs"
"""The module that PEFT takes for the head of a model that answers questions, wherever it is."""
NOTHING = r"(?!)"
"""A pattern that matches no name, for methods that train only the head."""


class Method(BaseModel):
    """A method's options, as the recipe's ``method:`` section names them.

    For a new model, a trial calls `apply`, `on_train_begin` and `on_model_ready`, then `penalty` and `after_step` at
    each step. For a saved model, it only calls `on_model_ready`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(description="the method's name: `pefbench list methods`")

    learning_rate: ClassVar[float]
    """Peak learning rate that suits the method on a small encoder; a recipe may set another."""

    searched: ClassVar[dict[str, tuple[int, ...]]] = {}
    """The options that `pefbench search` tries besides the learning rate, each with its values; they set the method's
    size.
    """

    trainable_pattern: ClassVar[str]
    """Regular expression, searched for in the full name of a weight: the weights trained besides the head."""

    merges: ClassVar[bool] = False
    """Whether PEFT's `merge_adapter` can merge the trained weights into the pretrained weights."""

    dropout_by_example: ClassVar[bool] = True
    """Whether the method's own dropout, if any, goes through torch.nn.functional.dropout on inputs with the batch as
    their first dimension, so that it can be drawn by example.
    """

    trains_pretrained: ClassVar[bool] = False
    """Whether the method trains weights of the pretrained model itself, not only those that it adds."""

    in_attention: ClassVar[bool] = False
    """Whether its virtual tokens, if any, are only keys and values, which an encoder has in every window."""

    why_not_sharded: ClassVar[str] = ""
    """Why the method cannot train weights that are sharded over processes; empty if it can."""

    @property
    def trains_everything(self) -> bool:
        """Whether every weight of the model is trained, including its embeddings, and the whole model is saved."""
        return not self.trainable_pattern

    def train_defaults(self) -> dict[str, Any]:  # of any of the section's fields
        """The method's defaults for the recipe's ``train:`` section."""
        return {"learning_rate": self.learning_rate}

    def virtual_tokens(self) -> int:
        """The number of the model's positions that the method uses itself."""
        return 0

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """The model with the method's weights and its head trainable, and the rest frozen.

        `task_type` is the head's name in PEFT, such as TOKEN_CLS. Raises MethodError if the method does not work on
        this model, or finds nothing to adapt.
        """
        raise NotImplementedError

    def on_train_begin(
        self, model: nn.Module, tokenizer: PreTrainedTokenizerFast, encoded: Encoded, steps: int
    ) -> None:
        """Finish a new model with what the method takes from the training split, or from the number of steps."""

    def on_model_ready(self, model: nn.Module) -> None:
        """Prepare a model with this method, new or loaded, to compute; its outputs stay the same."""

    def fast_paths(self, model: nn.Module) -> Sequence[str]:  # noqa: ARG002 - for methods that have some
        """The names of the faster operations that a prepared model uses, which give the same numbers up to rounding."""
        return ()

    def undo_fast_paths(self, model: nn.Module) -> None:
        """Make a prepared model use the library's own operations."""

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:  # noqa: ARG002 - for methods that have two rates
        """The optimizer's groups; a group without `lr` has the trial's learning rate.

        Weight decay applies only to matrices, not to biases and norms.
        """
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        groups = [
            {"params": [weight for weight in trained if weight.ndim >= 2], "weight_decay": weight_decay},
            {"params": [weight for weight in trained if weight.ndim < 2], "weight_decay": 0.0},
        ]
        return [group for group in groups if group["params"]]

    def save_adapter(self, model: nn.Module, to: Path) -> None:
        """Save the adapter and the head in PEFT's layout; for models that PEFT wraps."""
        saving: Any = model
        saving.save_pretrained(to)

    def penalty(self, model: nn.Module) -> Tensor | None:
        """The term that the method adds to the mean loss of a step, a scalar, or None."""

    def after_step(self, model: nn.Module, step: int) -> None:
        """Do what the method does after the optimizer's step (counted from 1), while the gradients still exist."""

    def state(self, model: nn.Module) -> MethodState:  # noqa: ARG002 - for methods that have one
        """The method's state for a checkpoint, besides weights and optimizer: tensors and plain values."""
        return {}

    def restore(self, model: nn.Module, state: MethodState) -> None:
        """Restore what `state` returned."""


class PeftMethod(Method):
    """A method that PEFT implements, or that is registered with it."""

    peft_failures: ClassVar[Failures] = (ValueError, NotImplementedError)
    """What PEFT raises if the method and the model are incompatible."""

    def config(self, model: nn.Module) -> PeftConfig:
        """PEFT's configuration for this model; `apply` sets the task type and the head."""
        raise NotImplementedError

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model with PEFT; the head is trained and saved with the adapter."""
        from peft import get_peft_model

        from pefbench.importing import imports
        from pefbench.models import architecture, memory

        config = self.config(model)
        heads = architecture.head_modules(model)
        config.task_type = task_type
        if any(OUTPUTS in dict(model.get_submodule(head).named_modules()) for head in heads):
            if config.is_prompt_learning:
                raise MethodError(f"{self.title} does not work on {type(model).__name__}: PEFT wraps its head twice")
            config.task_type = None  # with None, PEFT leaves the outputs inside a head alone
        config.modules_to_save = heads or None
        with self.refused_by_peft(model), memory.limit(self.title, memory.for_training()), imports.later():
            wrapped: nn.Module = get_peft_model(model, config)
        return wrapped

    @property
    def title(self) -> str:
        """The method's name in messages."""
        return f"method {self.name}"

    @contextmanager
    def refused_by_peft(self, model: nn.Module) -> Iterator[None]:
        """Turn PEFT's exceptions inside into a MethodError. Call only PEFT inside: our own errors must show."""
        try:
            yield
        except self.peft_failures as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise MethodError(f"{self.title} does not work on {type(model).__name__}: {reason}") from error


class TargetedMethod(PeftMethod):
    """A PEFT method that adapts linear layers: those that the recipe names, or all in the transformer blocks."""

    target_modules: list[str] | None = Field(
        None, description="names (or their endings) of the linear layers to adapt; null: all in the transformer blocks"
    )

    def targets(self, model: nn.Module) -> list[str]:
        """The full names of the linear layers to adapt, never the head's: the head is trained as a whole.

        Raises MethodError for an ending that matches nothing.
        """
        from pefbench.models import architecture

        linear = architecture.linear_modules(model)
        if self.target_modules is None:
            return linear
        for ending in self.target_modules:
            if not any(_ends(name, ending) for name in linear):
                endings = {name.rpartition(".")[2] for name in linear}
                raise MethodError(
                    f"method.target_modules: {ending!r} matches no linear layer of {type(model).__name__}; "
                    f"{suggest(ending, endings)}"
                )
        return [name for name in linear if any(_ends(name, ending) for ending in self.target_modules)]


def at_own_rate(groups: list[ParameterGroup], weights: Iterable[Tensor], rate: float) -> list[ParameterGroup]:
    """An optimizer's groups, with these weights in separate groups that have this learning rate."""
    chosen = {id(weight) for weight in weights}
    split = [
        group | its_rate | {"params": [weight for weight in group["params"] if (id(weight) in chosen) == own]}
        for group in groups
        for own, its_rate in ((False, {}), (True, {"lr": rate}))
    ]
    return [group for group in split if group["params"]]


def _ends(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f".{ending}")
