"""A prompt in PEFT's own model, without pefbench: the few lines that a model card prints and `export` runs.

PEFT inserts a prompt around the whole model, so a head that classifies, tags or points reads the virtual tokens, too.
`read_text_only` cuts them before the head; the card contains its source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pefbench.methods.tuners.virtual_tokens import input_embeddings
from pefbench.models import architecture

if TYPE_CHECKING:
    from torch import Tensor

    from pefbench.methods.tuners.prompt_tokens import PromptTokens

TASK_TYPES = {"SEQ_CLS": "SEQ_CLS", "TOKEN_CLS": "TOKEN_CLS", "QUESTION_ANS": "TOKEN_CLS"}
"""The head's name in PEFT -> the name of PEFT's class whose forward pass to use: the one for questions drops
`token_type_ids`, and the one for tags returns whatever the model does.
"""
TEXT = 4
"""The length, in tokens, of the texts that `works` tries."""
TOLERANCE = 1e-3
"""The largest difference between the two outputs that `works` compares, relative to the largest value."""
FAILURES = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What models raise if they cannot take embeddings instead of ids: encoder-decoders, for example."""


def read_text_only(model: Any) -> list[Any]:
    """Let the head of PEFT's model read the text without the prompt before it, as in training; returns the hooks."""
    length, inner = model.active_peft_config.num_virtual_tokens, model.get_base_model()
    ends_only = model.active_peft_config.task_type == "SEQ_CLS" and hasattr(inner, "score")  # a decoder's last token

    def cut(_stack: Any, _given: Any, named: Any, output: Any) -> Any:
        states = output.last_hidden_state[:, length:]
        if ends_only:
            rows = torch.arange(len(states), device=states.device)
            states = states[rows, named["attention_mask"][:, length:].sum(1).long() - 1][:, None]
        output.last_hidden_state = states.contiguous()
        return output

    def cut_before_pooler(_pooler: Any, given: Any) -> Any:
        return (given[0][:, length:], *given[1:])

    hooks = [inner.base_model.register_forward_hook(cut, with_kwargs=True)]
    if getattr(inner.base_model, "pooler", None) is not None:
        hooks.append(inner.base_model.pooler.register_forward_pre_hook(cut_before_pooler))
    return hooks


@torch.no_grad()
def works(tokens: PromptTokens) -> bool:
    """Whether PEFT's forward pass with `read_text_only` computes what the model with these virtual tokens does.

    This is tried on two short texts, one of them padded on the right, without dropout.
    """
    model = tokens.model
    task_type = TASK_TYPES.get(model.active_peft_config.task_type)
    if task_type is None:
        return False
    batch = _texts(model.get_base_model())
    seen = slice(None) if task_type == "SEQ_CLS" else batch["attention_mask"].bool()
    training = [each for each in model.modules() if each.training]
    low = {torch.float16, torch.bfloat16} & {weight.dtype for weight in model.parameters()}
    model.eval()
    try:
        with torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=bool(low)):
            ours = _logits(model(**batch), seen)
            theirs = _logits(_by_peft(tokens, task_type, batch), seen)
        return ours.shape == theirs.shape and bool((ours - theirs).abs().max() <= TOLERANCE * ours.abs().max())
    except FAILURES:
        tokens.forget()
        return False
    finally:
        for each in training:
            each.training = True


def _by_peft(tokens: PromptTokens, task_type: str, batch: dict[str, Tensor]) -> Any:
    """The output of PEFT's own forward pass for this task type, with `read_text_only`."""
    from peft import MODEL_TYPE_TO_PEFT_MODEL_MAPPING

    hooks = read_text_only(tokens.model)
    try:
        with tokens.aside():
            return MODEL_TYPE_TO_PEFT_MODEL_MAPPING[task_type].forward(tokens.model, **batch)
    finally:
        for hook in hooks:
            hook.remove()


def _texts(base: Any) -> dict[str, Tensor]:
    """Two texts made of the vocabulary's last tokens, the second half as long."""
    weight = input_embeddings(architecture.backbone(base)).weight
    ids = (weight.shape[0] - 1 - torch.arange(2 * TEXT)).clamp(min=0).view(2, TEXT)
    mask = torch.ones_like(ids)
    mask[1, TEXT // 2 :] = 0
    ids[mask == 0] = getattr(base.config, "pad_token_id", None) or 0
    return {"input_ids": ids.to(weight.device), "attention_mask": mask.to(weight.device)}


def _logits(output: Any, seen: Tensor | slice) -> Tensor:
    """All logits, flattened. seen: the rows that are not padding."""
    found = [value[seen] for name, value in output.items() if name.endswith("logits")]
    return torch.cat([value.float().flatten() for value in found])
