"""Virtual tokens: trained positions before the text, inserted where the text enters the model.

PEFT inserts them around the whole model, so they reach the head. Logits of token and span heads then contain positions
without labels, a pooler takes a virtual token for the first token, and a decoder's sequence head, which no longer sees
the ids, reads the last position, padding or not. Here, hooks on the stack of layers that reads the text insert them
further down, so that every head sees only the text, at its own positions, with the original ids.

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
"""The arguments of a forward pass, by name."""


class VirtualTokens:
    """The virtual tokens of one PEFT model, in use once attached.

    They are inactive while PEFT's adapter is disabled (``model.disable_adapter()``) and within `aside`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._aside = False

    @classmethod
    def attach(cls, model: Any) -> Self:
        """Insert the virtual tokens into a model, new or loaded; a second call changes nothing.

        Raises MethodError if this model cannot take them.
        """
        if "virtual_tokens" not in vars(model):
            model.virtual_tokens = cls(model)
            # PEFT's own forward passes would insert them a second time.
            methods.replace(model, "forward", _forward)
            methods.replace(model, "generate", _generate)
        attached: Self = model.virtual_tokens
        return attached

    @property
    def length(self) -> int:
        """The number of virtual tokens."""
        length: int = self.model.active_peft_config.num_virtual_tokens
        return length

    @property
    def at_work(self) -> bool:
        """Whether the next forward pass uses the virtual tokens."""
        return not (self._aside or getattr(self.model, "_adapters_disabled", False))

    @property
    def weight(self) -> nn.Parameter:
        """The trained weights, or their first part if a network computes the virtual tokens from them."""
        weight: nn.Parameter = self.model.prompt_encoder[self.model.active_adapter].embedding.weight
        return weight

    def values(self) -> Tensor:
        """The current virtual tokens, shape (virtual tokens, numbers of one), in their own precision.

        A network runs as when PEFT saves its output: with gradients, for which torch has other kernels. So the loaded
        values are equal to the last bit.
        """
        weight = self.weight
        if self.model.active_peft_config.inference_mode:  # PEFT saved the virtual tokens without the network
            return weight
        keeps_gradients = torch.is_grad_enabled()
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.autocast(weight.device.type, enabled=False):
            places = torch.arange(self.length, device=weight.device)
            values: Tensor = self.model.prompt_encoder[self.model.active_adapter](places[None])[0]
        return values if keeps_gradients else values.detach()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the model compute without its virtual tokens inside the block."""
        self._aside = True
        try:
            yield
        finally:
            self._aside = False

    def lengthened(self, mask: Tensor) -> Tensor:
        """A mask (batch, length) extended at the front for the virtual tokens, which are never masked."""
        return torch.cat([mask.new_ones(mask.shape[0], self.length), mask], dim=1)

    def moved_behind(self, given: Arguments) -> Arguments:
        """The mask and positions, as far as given, of a text after the virtual tokens."""
        found = {}
        if (mask := given.get("attention_mask")) is not None:
            found["attention_mask"] = self.lengthened(mask)
        if (positions := given.get("position_ids")) is not None:
            found["position_ids"] = positions + self.length
        return found


def is_pair(model: nn.Module) -> bool:
    """Whether a model is an encoder-decoder."""
    config: Any = model.config
    return bool(config.is_encoder_decoder)


def text_stack(model: nn.Module) -> nn.Module:
    """The stack of layers that reads the text: the encoder of an encoder-decoder, otherwise the backbone."""
    backbone: Any = architecture.backbone(model)
    stack: nn.Module = backbone.get_encoder() if is_pair(model) else single_stack(model)
    return stack


def single_stack(model: nn.Module) -> nn.Module:
    """The backbone of a model with one stack, without mere wrappers: OPT's language model calls past its own."""
    backbone = architecture.backbone(model)
    inner = [*backbone.children()]
    return inner[0] if len(inner) == 1 and hasattr(inner[0], "get_input_embeddings") else backbone


def decoder(model: nn.Module) -> nn.Module | None:
    """The decoder of an encoder-decoder; None for a model with one stack."""
    backbone: Any = architecture.backbone(model)
    return backbone.get_decoder() if is_pair(model) else None


def input_embeddings(stack: nn.Module) -> Any:
    """The module that embeds the ids of the stack `text_stack`. Raises MethodError if there is none."""
    found = architecture.token_embeddings(stack)
    if found is None:
        raise MethodError(f"{type(stack).__name__} has no table of token embeddings, which virtual tokens need")
    return found


def by_name(stack: nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
    """The arguments of a call of `stack`, all by name."""
    return dict(zip(parameters(stack), args, strict=False)) | kwargs


def parameters(stack: nn.Module) -> list[str]:
    """The names of the arguments of `stack`'s forward pass, in order."""
    return _parameters(type(stack).forward)


@cache
def _parameters(forward: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(forward).parameters)[1:]


def is_empty(cache: Any) -> bool:
    """Whether a forward pass starts a text: it has no cache yet, or an empty one."""
    return cache is None or cache.get_seq_length() == 0


def _forward(model: Any, *args: Any, **kwargs: Any) -> Any:
    return model.get_base_model()(*args, **kwargs)


def _generate(model: Any, *args: Any, **kwargs: Any) -> Any:
    return model.get_base_model().generate(*args, **kwargs)
