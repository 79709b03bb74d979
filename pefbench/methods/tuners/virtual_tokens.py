"""Virtual tokens: trained positions that stand before the text, put in where the text enters the model.

PEFT puts them in around the whole model, where they reach the head. Logits of token and span heads then hold
positions that no label has, a pooler reads a virtual token for the first token, and a decoder's sequence head,
which no longer sees the ids, takes the last position, padding or not. Here hooks on the stack of layers that reads the
text put them in below, so that every head sees the text alone, at its own positions, with the ids as they were.

What is trained, saved and loaded stays PEFT's.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import MethodError
from pefbench.models import architecture
from pefbench.models.patches import methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from torch import Tensor, nn

Arguments = dict[str, Any]
"""What a forward pass is given, by name."""


class VirtualTokens:
    """The virtual tokens of one model of PEFT's, at work from `attach` on.

    They stand aside while PEFT's adapter is disabled (``model.disable_adapter()``) and within `aside`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._aside = False

    @classmethod
    def attach(cls, model: Any) -> Self:
        """Put the virtual tokens of a model, new or loaded, to work; a second call changes nothing.

        Raises MethodError when there is no place for them in this model.
        """
        if "virtual_tokens" not in vars(model):
            model.virtual_tokens = cls(model)
            # PEFT's own forward passes would put them in a second time.
            methods.replace(model, "forward", _forward)
            methods.replace(model, "generate", _generate)
        attached: Self = model.virtual_tokens
        return attached

    @property
    def length(self) -> int:
        """How many there are."""
        length: int = self.model.active_peft_config.num_virtual_tokens
        return length

    @property
    def at_work(self) -> bool:
        """Whether the next forward pass has the virtual tokens."""
        return not (self._aside or getattr(self.model, "_adapters_disabled", False))

    @property
    def weight(self) -> nn.Parameter:
        """What is trained, or its first part where a network computes the virtual tokens from it."""
        weight: nn.Parameter = self.model.prompt_encoder[self.model.active_adapter].embedding.weight
        return weight

    def values(self) -> Tensor:
        """The virtual tokens as they stand, shape (virtual tokens, numbers of one), in their own precision.

        A network is run as PEFT runs it to save what it computes, with gradients, for which torch has other kernels:
        so what is loaded is the same to the last bit.
        """
        weight = self.weight
        if self.model.active_peft_config.inference_mode:  # PEFT saved the virtual tokens and left the network behind
            return weight
        keeps_gradients = torch.is_grad_enabled()
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.autocast(weight.device.type, enabled=False):
            places = torch.arange(self.length, device=weight.device)
            values: Tensor = self.model.prompt_encoder[self.model.active_adapter](places[None])[0]
        return values if keeps_gradients else values.detach()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within it, the model computes without its virtual tokens."""
        self._aside = True
        try:
            yield
        finally:
            self._aside = False

    def lengthened(self, mask: Tensor) -> Tensor:
        """A mask (batch, length) with the virtual tokens before it, which are never masked."""
        return torch.cat([mask.new_ones(mask.shape[0], self.length), mask], dim=1)

    def moved_behind(self, given: Arguments) -> Arguments:
        """The mask and the positions, as far as they are given, of a text behind the virtual tokens."""
        found = {}
        if (mask := given.get("attention_mask")) is not None:
            found["attention_mask"] = self.lengthened(mask)
        if (positions := given.get("position_ids")) is not None:
            found["position_ids"] = positions + self.length
        return found


def is_pair(model: nn.Module) -> bool:
    """Whether a model has an encoder and a decoder that attends to it."""
    config: Any = model.config
    return bool(config.is_encoder_decoder)


def text_stack(model: nn.Module) -> nn.Module:
    """The stack of layers that reads the text: the encoder of a pair, else the backbone."""
    backbone: Any = architecture.backbone(model)
    stack: nn.Module = backbone.get_encoder() if is_pair(model) else single_stack(model)
    return stack


def single_stack(model: nn.Module) -> nn.Module:
    """The backbone of a model of one stack, without what merely wraps it: OPT's language model calls past it."""
    backbone = architecture.backbone(model)
    inner = [*backbone.children()]
    return inner[0] if len(inner) == 1 and hasattr(inner[0], "get_input_embeddings") else backbone


def decoder(model: nn.Module) -> nn.Module | None:
    """The decoder of a pair; None for a model of one stack."""
    backbone: Any = architecture.backbone(model)
    return backbone.get_decoder() if is_pair(model) else None


def input_embeddings(stack: nn.Module) -> Any:
    """The module that embeds the ids of the stack `text_stack`. Raises MethodError where there is none."""
    found = architecture.token_embeddings(stack)
    if found is None:
        raise MethodError(f"{type(stack).__name__} has no table of token embeddings, beside which virtual tokens stand")
    return found


def by_name(stack: nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
    """The arguments of a call of `stack`, all by name."""
    return dict(zip(parameters(stack), args, strict=False)) | kwargs


def parameters(stack: nn.Module) -> list[str]:
    """The names of what the forward pass of `stack` takes, in order."""
    return _parameters(type(stack).forward)


@cache
def _parameters(forward: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(forward).parameters)[1:]


def is_empty(cache: Any) -> bool:
    """Whether a forward pass starts a text: it has no cache yet, or one without a position."""
    return cache is None or cache.get_seq_length() == 0


def _forward(model: Any, *args: Any, **kwargs: Any) -> Any:
    return model.get_base_model()(*args, **kwargs)


def _generate(model: Any, *args: Any, **kwargs: Any) -> Any:
    return model.get_base_model().generate(*args, **kwargs)
