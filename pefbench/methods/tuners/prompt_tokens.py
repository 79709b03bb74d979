"""Prompts: virtual tokens that are embedded like words and run through all layers (prompt tuning, p-tuning).

They are inserted by giving the stack additional ids, whose embeddings are then replaced. So the model itself adds
positions and scales them as it does with words, which not every model does if it gets embeddings instead of ids. The
stack's output is cut to the text again, so that a head finds the text's first and last token in their usual places. The
decoder of an encoder-decoder may attend to the prompt, as in the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pefbench.errors import MethodError
from pefbench.methods.tuners.virtual_tokens import (
    Arguments,
    VirtualTokens,
    by_name,
    decoder,
    input_embeddings,
    is_empty,
    is_pair,
    parameters,
    text_stack,
)

if TYPE_CHECKING:
    from torch import Tensor


GLOBAL = "global_attention_mask"


class PromptTokens(VirtualTokens):
    """The prompt of a model with PEFT's prompt tuning or p-tuning.

    Of the stack's output, only `last_hidden_state` is cut; `hidden_states`, if requested, include the prompt.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        base: nn.Module = model.get_base_model()
        self._stack = stack = text_stack(base)
        self._filler = 1 if getattr(base.config, "pad_token_id", None) == 0 else 0
        self._prompt: Tensor | None = None
        self._inside = False
        self._cuts = not is_pair(base)
        self._hook_pooler(stack)
        if getattr(base.config, "model_type", None) == "xlnet":
            raise MethodError(
                f"{type(base).__name__}: it embeds texts position by position, so a prompt cannot be inserted"
            )
        if type(stack).__name__ == "FunnelBaseModel":
            raise MethodError(f"{type(base).__name__}: it pools texts to fewer positions, and the prompt with them")
        if GLOBAL in parameters(stack):
            raise MethodError(f"{type(base).__name__}: its global attention mask does not support virtual tokens")
        stack.register_forward_pre_hook(self._lengthen, with_kwargs=True)
        stack.register_forward_hook(self._cut)
        weight = input_embeddings(stack).weight
        for module in stack.modules():
            if getattr(module, "weight", None) is weight:  # tied embeddings may occur twice
                module.register_forward_hook(self._embed)
        if (memory_reader := decoder(base)) is not None:
            memory_reader.register_forward_pre_hook(self._lengthen_memory, with_kwargs=True)

    def embedded(self, ids: Tensor) -> Tensor:
        """The embeddings of tokens (count,) -> (count, embedding size), as for the prompt."""
        embedding = input_embeddings(self._stack)
        with torch.no_grad():
            found: Tensor = embedding(ids.to(embedding.weight.device))
        return found

    def forget(self) -> None:
        """Forget a forward pass that has failed."""
        self._inside, self._prompt = False, None

    def _hook_pooler(self, stack: nn.Module) -> None:
        pooler = getattr(stack, "pooler", None)
        if isinstance(pooler, nn.Linear):
            raise MethodError(
                f"{type(self.model.get_base_model()).__name__}: its pooler reads only the first position, "
                "which is a virtual token of the prompt; use prefix"
            )
        if isinstance(pooler, nn.Module):
            pooler.register_forward_pre_hook(self._cut_before_pooler)

    def _lengthen(self, stack: nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> tuple[tuple[()], Arguments]:
        """Give the stack a position for each virtual token; for later tokens of a text, move the mask and positions."""
        given = by_name(stack, args, kwargs)
        self._inside, self._prompt = self.at_work and is_empty(given.get("past_key_values")), None
        if self.at_work:
            given |= self.moved_behind(given)
        if self._inside:
            given |= self._places(given)
            self._prompt = self.values()
        return (), given

    def _places(self, given: Arguments) -> Arguments:
        """Ids, types and positions, as far as given, extended at the front for the virtual tokens."""
        ids: Tensor = given["input_ids"]
        found = {"input_ids": torch.cat([ids.new_full((ids.shape[0], self.length), self._filler), ids], dim=1)}
        if (types := given.get("token_type_ids")) is not None:
            found["token_type_ids"] = torch.cat([types.new_zeros(types.shape[0], self.length), types], dim=1)
        if (positions := given.get("position_ids")) is not None:
            first = torch.arange(self.length, device=positions.device).expand(positions.shape[0], -1)
            found["position_ids"] = torch.cat([first, positions], dim=1)
        return found

    def _embed(self, _embedding: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
        """Replace the embeddings of the additional ids by the prompt: (batch, virtual tokens + length, size)."""
        prompt, self._prompt = self._prompt, None
        if prompt is None:
            return None
        return torch.cat([prompt.to(output.dtype).expand(output.shape[0], -1, -1), output[:, self.length :]], dim=1)

    def _cut(self, stack: nn.Module, _args: Any, output: Any) -> Any:
        """Cut the prompt from the stack's output."""
        if self._prompt is not None:
            raise RuntimeError(f"{type(stack).__name__} ran without calling its input embeddings")
        if self._inside and self._cuts:
            # Contiguous: for a view, torch's order of summation depends on whether weights are trained.
            output.last_hidden_state = output.last_hidden_state[:, self.length :].contiguous()
        self._inside = False
        return output

    def _cut_before_pooler(self, _pooler: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *rest = args
        return (hidden[:, self.length :] if self._inside else hidden, *rest)

    def _lengthen_memory(
        self, stack: nn.Module, args: tuple[Any, ...], kwargs: Arguments
    ) -> tuple[tuple[()], Arguments]:
        """Let the decoder attend to the prompt, if the encoder has run with one."""
        given = by_name(stack, args, kwargs)
        states, mask = given.get("encoder_hidden_states"), given.get("encoder_attention_mask")
        if states is not None and mask is not None and states.shape[1] == mask.shape[1] + self.length:
            given["encoder_attention_mask"] = self.lengthened(mask)
        return (), given


def common_options(model: nn.Module) -> dict[str, int]:
    """The options of PEFT's configuration of a prompt that follow from the model."""
    stack: Any = text_stack(model)
    config = stack.config
    return {
        "token_dim": int(input_embeddings(stack).weight.shape[1]),
        "num_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_transformer_submodules": 1,
    }
