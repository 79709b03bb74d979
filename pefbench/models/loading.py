"""Loads the pretrained model with a trial's head: its tokenizer, its config and its weights."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

from pefbench.errors import RecipeError, SourceError
from pefbench.models import (
    architecture,
    checkpoint,
    from_pretrained,
    frozen,
    last_token,
    padding,
    quantization,
    sparse_attention,
)
from pefbench.models.reading import reading
from pefbench.models.weight_names import wrapper_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.models.checkpoint import Checkpoint
    from pefbench.models.frozen import Frozen
    from pefbench.sections import ModelSection, Quantize

WEIGHTS = "model.safetensors"
OF_HEADS = ("classifier_dropout", "hidden_dropout", "hidden_dropout_prob", "dropout", "dropout_rate")
"""The names of a token classification head's dropout in configs."""
VOCABULARIES = {
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
}
"""Files from which a tokenizer of any class is loaded or converted."""


LETTERS = "abcdefghijklmnopqrstuvwxyz"


class HeadSpec(Protocol):
    """What a model must know of its head; every `heads.Head` satisfies this."""

    auto_class: str
    """The transformers class that puts the head on the backbone."""
    reads_words: bool
    """Texts are given as words: the tokenizer must read each word as if a space preceded it."""
    needs_alignment: bool
    """Tokens are mapped back to words or characters, which only fast tokenizers support."""

    def config(self) -> Mapping[str, object]:
        """The head's entries in the model's config: id2label, num_labels, ..."""


def load_tokenizer(where: Path, model: ModelSection, head: HeadSpec) -> PreTrainedTokenizerFast:
    """The model's tokenizer: a fast one, or a slow one if the head does not map tokens back.

    transformers makes a fast one if it can. Raises SourceError.
    """
    from_pretrained.refuse_own_classes(where / from_pretrained.TOKENIZER, "AutoTokenizer", model.name)
    words = {"add_prefix_space": True} if head.reads_words else {}
    tokenizer = from_pretrained.tokenizer(where, model.name, **words)
    if not isinstance(longest := tokenizer.model_max_length, int | float):
        raise SourceError(f"{model.name}: model_max_length should be a number, got {str(longest)[:60]!r}")
    _check_vocabulary_files(where, tokenizer, model.name)
    _check_reads(tokenizer, model.name)
    if not tokenizer.is_fast and head.needs_alignment:
        raise SourceError(
            f"{model.name}: its {type(tokenizer).__name__} does not map tokens back to words or characters, which "
            f"this task needs; classification of whole texts and generation work without it"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise SourceError(f"{model.name}: its tokenizer has no pad token, and no end token to pad with")
    return cast("PreTrainedTokenizerFast", tokenizer)


def load_config(where: Path, model: ModelSection, **changes: Any) -> PretrainedConfig:
    """The model's own config, with the recipe's dropout and `changes`.

    Raises SourceError if transformers does not know the model, or if it is not a text-only model.
    """
    config = from_pretrained.config(where, model.name, **changes)
    if getattr(config, "quantization_config", None) is not None:
        raise SourceError(
            f"{model.name}: its weights are already quantised; name the original model and set model.quantize"
        )
    if getattr(config, "text_config", None) is not None:
        raise SourceError(
            f"{model.name}: a {config.model_type} reads images or sound as well as text (text_config in config.json), "
            "which no head here supports; name a text-only model"
        )
    layers = (getattr(config, "num_layers", None), getattr(config, "num_decoder_layers", None))
    if config.model_type == "switch_transformers" and layers[0] != layers[1]:
        raise SourceError(
            f"{model.name}: its encoder has {layers[0]} layers and its decoder {layers[1]}; transformers generates "
            "with switch_transformers of as many in both alone"  # its cache has a place for each layer of the encoder
        )
    return config if model.dropout is None else set_dropout(config, model.dropout)


def set_dropout(config: PretrainedConfig, rate: float) -> PretrainedConfig:
    """The config, changed in place, with this rate for all dropout except layer dropout."""
    for part in stacks(config):
        for key, value in part.to_dict().items():
            if "drop" in key and "layerdrop" not in key and isinstance(value, float):
                setattr(part, key, rate)
    return config


def fit_config(
    where: Path, model: ModelSection, head: HeadSpec, tokenizer: PreTrainedTokenizerFast
) -> PretrainedConfig:
    """The model's config with the recipe's dropout, the head and the tokenizer's padding.

    Raises RecipeError if transformers has no such head for the model.
    """
    own = load_config(where, model)
    padding.settle(tokenizer, own, model_class(own, head), model.name)
    config = load_config(where, model, pad_token_id=tokenizer.pad_token_id, **head.config())
    model_class(config, head)
    return name_dropout(config, model.dropout) if head.auto_class == "AutoModelForTokenClassification" else config


def name_dropout(config: PretrainedConfig, rate: float | None) -> PretrainedConfig:
    """The config, changed in place; a token classification head without its own dropout gets the backbone's.

    For a decoder, transformers would use 0.1, which no config says and `model.dropout` would not change.
    """
    if all(getattr(config, name, None) is None for name in OF_HEADS):
        named = [value for key, value in config.to_dict().items() if "drop" in key and isinstance(value, float)]
        config.classifier_dropout = max(named, default=0.0) if rate is None else rate
    return config


def stacks(config: PretrainedConfig) -> list[PretrainedConfig]:
    """A model's config, and those of the models that it consists of, such as encoder and decoder."""
    from transformers import PretrainedConfig

    inner = [getattr(config, name, None) for name in ("encoder", "decoder")]
    return [config, *(part for part in inner if isinstance(part, PretrainedConfig))]


def model_class(config: PretrainedConfig, head: HeadSpec) -> Any:
    """The class that adds this head to a model with this config. Raises RecipeError if there is none."""
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
    found: Checkpoint | None = None,
    keep: Frozen | None = None,
) -> nn.Module:
    """The pretrained backbone with the head; head weights that the checkpoint lacks are randomly initialised.

    Everything is in fp32 except what `quantize` holds in fewer bits (see `quantization`), and what `keep` loads in half
    precision (see `frozen.loaded`). weights: from `read_weights`; copied instead of read again. found: what `examine`
    returned for this folder, if already known. Raises SourceError like `examine`.
    """
    import torch
    import transformers

    auto_class = getattr(transformers, head.auto_class)
    found = found or examine(where, config, head, str(where))
    # A state dict needs the class itself: the auto class would look for files.
    loader: Any = auto_class if weights is None else model_class(config, head)
    copied = {} if weights is None else {"state_dict": {name: weight.clone() for name, weight in weights.items()}}
    with frozen.loaded(where, keep):
        model = from_pretrained.model(
            loader,
            where if weights is None else None,
            str(where),
            **copied,
            config=config,
            dtype=torch.float32,
            attn_implementation=attention,
            ignore_mismatched_sizes=found.head == "fresh",
            quantization_config=quantization.settings(quantize, auto_class, config) if quantize != "none" else None,
        )
    model.config.name_or_path = model.name_or_path = str(where)  # an adapter's config names its base
    if found.head == "fresh":
        _draw_head(model)
    elif found.head == "kept":
        order_labels(model, found.label_order)
    quantization.settle(model)
    sparse_attention.follow_lengths(model)
    last_token.follow_lengths(model)
    loaded: nn.Module = model
    return loaded


def examine(where: Path, config: PretrainedConfig, head: HeadSpec, name: str, *, trained: bool = False) -> Checkpoint:
    """How the checkpoint in a folder fits the model with the head: see `checkpoint.examine`."""
    import transformers

    return checkpoint.examine(where, config, getattr(transformers, head.auto_class), name, trained=trained)


def _draw_head(model: Any) -> None:
    """Initialise the head's weights as the architecture does, replacing those of the checkpoint."""
    for name in architecture.head_modules(model):
        head = model.get_submodule(name)
        for weight in head.parameters():
            weight._is_hf_initialized = False
        head.apply(model._init_weights)


def order_labels(model: nn.Module, rows: tuple[int, ...]) -> None:
    """Reorder the head's outputs by the trial's labels: `rows` has the current position of each label."""
    import torch

    if list(rows) == sorted(rows):
        return
    inner = [module for name in architecture.head_modules(model) for module in model.get_submodule(name).modules()]
    linear = [module for module in inner if isinstance(module, torch.nn.Linear)]
    output = [module for module in linear if module.out_features == len(rows)][-1]
    for weight in output.parameters():
        weight.data = weight.data[list(rows)].clone()


def read_weights(where: Path) -> dict[str, Tensor] | None:
    """A model folder's weights, to be kept in memory; None for a model that is more than its one file.

    These are models in several files, and those with generation settings, which are read with the weights. Weights in
    half precision are also read from the file, which does not copy those that stay unchanged.
    """
    from safetensors.torch import load_file

    if not (where / WEIGHTS).exists() or (where / "generation_config.json").exists() or frozen.is_half(where):
        return None
    with reading(f"{where / WEIGHTS}: the weights cannot be read"):
        weights: dict[str, Tensor] = load_file(where / WEIGHTS)
    wrapper = wrapper_prefix([*weights])
    return {name.removeprefix(wrapper): weight for name, weight in weights.items()}


def count(model: nn.Module, *, trainable: bool = False) -> int:
    """The number of weights, quantised or not, or of the trained ones among them."""
    weights = [weight for weight in model.parameters() if weight.requires_grad or not trainable]
    return sum(map(quantization.elements, weights))


def check_positions(
    found: Checkpoint, tokenizer: PreTrainedTokenizerFast, name: str, max_length: int, virtual_tokens: int
) -> None:
    """Raise RecipeError if texts of `max_length` tokens plus the virtual tokens exceed the model's positions."""
    positions = count_positions(found, tokenizer)
    if max_length + virtual_tokens > positions:
        added = f" and {virtual_tokens} virtual tokens" if virtual_tokens else ""
        taken = found.padding_positions if positions == found.positions else 0
        padding = f" ({positions + taken} less the {taken} that padding takes)" if taken else ""
        raise RecipeError(
            f"train.max_length: {max_length}{added} do not fit the {positions} positions{padding} of "
            f"{name}; at most {positions - virtual_tokens}"
        )


def count_positions(found: Checkpoint, tokenizer: PreTrainedTokenizerFast) -> int:
    """The maximum number of tokens that a model reads at once; a very large number if it sets no limit."""
    if found.positions is None:  # the tokenizer's limit is then the length of texts in pretraining
        return sys.maxsize
    return int(min(found.positions, tokenizer.model_max_length))


def _check_vocabulary_files(where: Path, tokenizer: Any, name: str) -> None:
    """Raise SourceError if no file contains a vocabulary: transformers would then make one from special tokens."""
    files = set(getattr(tokenizer, "vocab_files_names", {}).values())
    if files and not any((where / file).is_file() for file in files | VOCABULARIES):
        raise SourceError(f"{name}: no tokenizer in the folder ({', '.join(sorted(files))}: none of these is there)")


def _check_reads(tokenizer: Any, name: str) -> None:
    """Raise SourceError for a tokenizer without an unknown token that drops even letters.

    transformers loads some models' tokenizer as the class that the model should have, whatever the files say.
    """
    if not any(tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in LETTERS):
        raise SourceError(
            f"{name}: its {type(tokenizer).__name__} has no token for any letter from a to z, so texts would be "
            "empty; its files belong to another tokenizer"
        )
