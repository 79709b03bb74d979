"""Embeddings of texts by the frozen pretrained model, without any adapter."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import DataError
from pefbench.inference.turns import turn
from pefbench.trial.batching import sorted_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.methods import Method

BATCH = 64


def embed(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, method: Method, texts: Sequence[str], max_length: int
) -> NDArray[np.float32]:
    """The mean of each text's last hidden states, scaled to length 1 (Reimers and Gurevych 2019, section 3).

    texts: n; a text longer than max_length tokens is cut. Returns (n, width). Raises DataError for a method that trains
    the pretrained weights themselves and so leaves nothing frozen.
    """
    import torch

    if method.trains_pretrained:
        raise DataError(f"method {method.name} trains the pretrained model itself; embeddings need a frozen one")
    backbone, without = _frozen(model)
    device = next(model.parameters()).device
    lengths = np.array([len(text) for text in texts])
    found: list[Any] = [None] * len(texts)
    with torch.inference_mode(), without:
        for batch in sorted_batches(lengths, BATCH):
            chosen = [texts[int(i)] for i in batch]
            with turn(tokenizer):
                tensors = tokenizer(chosen, padding=True, truncation=True, max_length=max_length, return_tensors="pt")
            kept = {name: tensors[name].to(device) for name in ("input_ids", "attention_mask")}
            mask = kept["attention_mask"].unsqueeze(-1)
            states = backbone(**kept).last_hidden_state.float() * mask
            means = torch.nn.functional.normalize(states.sum(1) / mask.sum(1).clamp(min=1), dim=-1)
            for i, vector in zip(batch, means.cpu().numpy(), strict=True):
                found[int(i)] = vector
    return np.stack(found) if found else np.zeros((0, 0), np.float32)


def _frozen(model: nn.Module) -> tuple[Any, Any]:
    """The backbone, and a context in which no adapter changes it."""
    from peft import PeftModel

    if isinstance(model, PeftModel):
        return _backbone(model.get_base_model()), model.disable_adapter()
    return _backbone(model), nullcontext()


def _backbone(model: Any) -> Any:
    return getattr(model, model.base_model_prefix, model)
