"""The pretrained model under a head's head, and the model with its method: built, saved and loaded."""

from __future__ import annotations

import hashlib
import re
import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

from pefbench import sources
from pefbench.errors import RecipeError, SourceError
from pefbench.models import architecture, quantization
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.sections import ModelSection, Quantize

WEIGHTS = "model.safetensors"


class HeadSpec(Protocol):
    """What a model must know of the head that is put on it; every `heads.Head` is one."""

    auto_class: str
    """The transformers class that puts the head on the backbone."""
    reads_words: bool
    """Texts come as words, one by one: the tokenizer is to read each as if a space stood before it."""

    def config(self) -> Mapping[str, object]:
        """Return what the model's config must say of the head: id2label, num_labels, ..."""


def folder(model: ModelSection) -> Path:
    """Return the local folder of the recipe's model, downloading it when it is not there. Raises SourceError."""
    where = sources.locate(model.name, revision=model.revision, sha256=model.sha256)
    sources.check_weights(where)
    return where


def load_tokenizer(where: Path, model: ModelSection, head: HeadSpec) -> PreTrainedTokenizerFast:
    """Return the model's tokenizer; refuses one that cannot tell which piece belongs to which word."""
    from transformers import AutoTokenizer

    words = {"add_prefix_space": True} if head.reads_words else {}
    with reading(f"{model.name}: no tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(where, **words)
    if not tokenizer.is_fast:
        raise SourceError(f"{model.name}: has no fast tokenizer (tokenizer.json), which word alignment needs")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise SourceError(f"{model.name}: its tokenizer has neither a pad token nor an end token to pad with")
    return cast("PreTrainedTokenizerFast", tokenizer)


def load_config(where: Path, model: ModelSection, **changes: Any) -> PretrainedConfig:
    """Return the model's own config, with `changes`. Raises SourceError when transformers does not know the model."""
    from transformers import AutoConfig

    with reading(f"{model.name}: not a model that transformers knows"):
        config: PretrainedConfig = AutoConfig.from_pretrained(where, trust_remote_code=False, **changes)
    if getattr(config, "quantization_config", None) is not None:
        raise SourceError(
            f"{model.name}: its weights are quantised already; name the original model, and say model.quantize"
        )
    return config


def fit_config(
    where: Path, model: ModelSection, head: HeadSpec, tokenizer: PreTrainedTokenizerFast
) -> PretrainedConfig:
    """Return the model's config with the head, the tokenizer's padding and the recipe's dropout.

    Raises RecipeError when transformers has no such head for the model.
    """
    config = load_config(where, model, pad_token_id=tokenizer.pad_token_id, **head.config())
    model_class(config, head)
    if model.dropout is not None:
        for part in stacks(config):
            for key, value in part.to_dict().items():
                if "drop" in key and "layerdrop" not in key and isinstance(value, float):
                    setattr(part, key, model.dropout)
    return config


def stacks(config: PretrainedConfig) -> list[PretrainedConfig]:
    """Return a model's config, and those of the models that it is put together of, as encoder and decoder."""
    from transformers import PretrainedConfig

    inner = [getattr(config, name, None) for name in ("encoder", "decoder")]
    return [config, *(part for part in inner if isinstance(part, PretrainedConfig))]


def model_class(config: PretrainedConfig, head: HeadSpec) -> Any:
    """Return the class that puts the head's head on a model of this config. Raises RecipeError when there is none."""
    import transformers

    classes = getattr(transformers, head.auto_class)._model_mapping
    if type(config) not in classes:
        wanted = head.auto_class.removeprefix("AutoModelFor")
        raise RecipeError(f"model.name: {config.model_type} models have no head for {wanted} in transformers")
    return classes[type(config)]


def load_pretrained(
    where: Path,
    config: PretrainedConfig,
    head: HeadSpec,
    *,
    attention: str,
    quantize: Quantize = "none",
    weights: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """Return the pretrained backbone under the head; what the checkpoint lacks is drawn at random.

    All is in fp32 but what `quantize` holds in fewer bits: see `quantizing`. `weights`: those of `read_weights`, which
    are copied rather than read again.
    """
    import torch
    import transformers

    auto_class = getattr(transformers, head.auto_class)
    # A state dict needs the class itself: the auto class would look for files.
    loader: Any = auto_class if weights is None else model_class(config, head)
    copied = {} if weights is None else {"state_dict": {name: weight.clone() for name, weight in weights.items()}}
    quantised = quantization.settings(quantize, auto_class, config) if quantize != "none" else None
    with reading(f"{where}: the model cannot be loaded"):
        model = loader.from_pretrained(
            where if weights is None else None,
            **copied,
            config=config,
            dtype=torch.float32,
            attn_implementation=attention,
            use_safetensors=True,
            trust_remote_code=False,
            quantization_config=quantised,
        )
    model.config.name_or_path = model.name_or_path = str(where)  # an adapter says what it belongs to
    quantization.settle(model)
    loaded: nn.Module = model
    return loaded


def read_weights(where: Path) -> dict[str, Tensor] | None:
    """Return a model folder's weights, to be kept in memory; None for a model that is more than its one file.

    Such are models in several files, and those with settings for generating, which are read with the weights.
    """
    from safetensors.torch import load_file

    if not (where / WEIGHTS).exists() or (where / "generation_config.json").exists():
        return None
    with reading(f"{where / WEIGHTS}: the weights cannot be read"):
        weights: dict[str, Tensor] = load_file(where / WEIGHTS)
    return weights


def cast_frozen_weights(model: nn.Module, precision: str, trained: str) -> None:
    """Hold the frozen linear layers in the precision they compute in, in place.

    Autocast would cast them anew at every step, to the same numbers: it keeps casts only of weights that are trained.
    Output embeddings that are the input embeddings stay as they are: those are looked up, not multiplied.
    `trained`: the method's pattern of names. In a model that was loaded these, and the head, are frozen too.
    """
    import torch

    if precision == "fp32":
        return
    dtype = torch.bfloat16 if precision == "bf16" else torch.float16
    embeddings = [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or architecture.is_quantised(module) or ".modules_to_save." in name:
            continue
        weights = dict(module.named_parameters(recurse=False))
        if any(weight.requires_grad or re.search(trained, f"{name}.{key}") for key, weight in weights.items()):
            continue
        if any(weight is embedding for weight in weights.values() for embedding in embeddings):
            continue
        for weight in weights.values():
            if weight.dtype == torch.float32:
                weight.data = weight.data.to(dtype)


def count(model: nn.Module, *, trainable: bool = False) -> int:
    """Return how many weights there are, quantised or not, or how many of them are trained."""
    weights = [weight for weight in model.parameters() if weight.requires_grad or not trainable]
    return sum(map(quantization.elements, weights))


def fingerprint(where: Path) -> str:
    """Return a sha256 over the model's weight files, so that results on other weights are never taken for alike."""
    digest = hashlib.sha256()
    for file in sorted(where.glob("*.safetensors")):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def check_positions(
    config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast, name: str, max_length: int, virtual_tokens: int
) -> None:
    """Raise RecipeError when texts of `max_length` tokens, behind the virtual ones, have no positions in the model."""
    positions = count_positions(config, tokenizer)
    if max_length + virtual_tokens > positions:
        added = f" and {virtual_tokens} virtual tokens" if virtual_tokens else ""
        raise RecipeError(
            f"train.max_length: {max_length}{added} do not fit the {positions} positions of "
            f"{name}; at most {positions - virtual_tokens}"
        )


def count_positions(config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast) -> int:
    """The most tokens that a model reads at once; a very large number where it sets no limit."""
    # Some models keep positions for padding, which only the tokenizer's own limit shows.
    return int(min(getattr(config, "max_position_embeddings", None) or sys.maxsize, tokenizer.model_max_length))
