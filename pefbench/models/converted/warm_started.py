"""Encoder-decoders that start as two copies of one encoder (Rothe et al. 2020, arXiv:1907.12461, "BERT2BERT").

The decoder has what an encoder lacks, cross-attention and a language model's head, in part randomly initialised. This
is done once, so that all trials start with the same weights, and what a method leaves frozen is the same after loading.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import TYPE_CHECKING

from pefbench.errors import SourceError
from pefbench.models import from_pretrained
from pefbench.models.converted.once import once
from pefbench.sources.transport.digests import digest_of

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "warm-started:"
"""The prefix of the encoder's address."""
BUILDER = 1
"""Incremented with every change of what is built."""
SEED = 0


def encoder_decoder(encoder: Path, source: str) -> Path:
    """The folder with the encoder-decoder, which is built the first time from the encoder's folder.

    Its decoder begins with the encoder's first special token and ends with its last. Raises SourceError if the model is
    not an encoder, or if its architecture has no decoder with cross-attention.
    """
    files = sorted(file for pattern in ("*.safetensors", "*.json") for file in encoder.glob(pattern))
    digest = hashlib.sha256("".join(map(digest_of, files)).encode()).hexdigest()
    name = f"{digest[:16]}-{BUILDER}-{version('transformers')}"
    return once("warm-started", name, source, lambda to: _build(encoder, to, source))


def _build(encoder: Path, to: Path, source: str) -> None:
    import torch
    from transformers import AutoModelForMaskedLM

    tokenizer = from_pretrained.tokenizer(encoder, source)
    if type(from_pretrained.config(encoder, source)) not in AutoModelForMaskedLM._model_mapping:
        raise SourceError(f"{source}: not an encoder that can be turned into a decoder")
    if None in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id):
        raise SourceError(f"{source}: its tokenizer has no first, last or padding token for a decoder")
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = from_pretrained.encoder_decoder(encoder, source)
    if not model.config.decoder.add_cross_attention:
        raise SourceError(f"{source}: decoders of this architecture have no cross-attention")
    tokens = {
        "decoder_start_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    for name, token in tokens.items():
        setattr(model.config, name, token)
        setattr(model.generation_config, name, token)
    tokenizer.save_pretrained(to)
    model.to(torch.float32).save_pretrained(to)
