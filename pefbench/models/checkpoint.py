"""What a checkpoint contains of the model that a trial builds, determined before any weight is read.

The model is built on the meta device, where it has shapes but no numbers, and transformers reports which of its weights
the checkpoint lacks. Every weight of the backbone must come from the checkpoint; a head and a pooler may be new.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from pefbench.errors import SourceError
from pefbench.models import architecture, from_pretrained, sound_weights
from pefbench.models.weight_names import weight_names, wrapper_prefix
from pefbench.remarks import Odd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PretrainedConfig

HeadState = Literal["absent", "kept", "fresh"]
FEW = 3
"""The number of backbone weights that a checkpoint may lack with only a warning."""
FEW_PERCENT = 1
"""The maximum percentage of the backbone's numbers in those weights."""
DEEPEST = 200
"""The number of layers that is always accepted: some models share one set of weights among all layers."""
NAMED = 3
"""The maximum number of weights named in a message."""
PRETRAINED = ("ForMaskedLM", "ForPreTraining")
"""Suffixes of classes with pretraining heads."""


@dataclass(frozen=True)
class Checkpoint:
    """How a checkpoint fits the model with a trial's head."""

    vocabulary: int
    """Rows of the input embeddings; token ids are below this. A very large number if there is no such table."""
    token_types: int | None
    """Rows of the token type embeddings; None if the model has none."""
    positions: int | None
    """The maximum length of a text in tokens; None if the model sets no limit."""
    padding_positions: int
    """Rows of the position embeddings that are reserved for padding."""
    head: HeadState
    """absent: the checkpoint has no head, or only one from pretraining; kept: its head has the same labels; fresh: its
    head is reinitialised.
    """
    label_order: tuple[int, ...]
    """For each label of the trial, its row in a kept head; empty: unchanged."""
    notes: tuple[str, ...]
    """Notes for readers of the result, except on the head: see `head_notes`."""
    why_fresh: str = ""
    """Why its own head cannot be used, if it has one."""
    lacking: tuple[str, ...] = ()
    """The weights of the backbone, and of a pooler, that it lacks: see `drawn`."""
    head_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The names and sizes of the weights of the trial's head."""


def examine(where: Path, config: PretrainedConfig, auto_class: Any, name: str, *, trained: bool = False) -> Checkpoint:
    """Compare the checkpoint in a folder with the model that `config` describes.

    name: the checkpoint's name in messages. trained: a trial saved the checkpoint, so its head is loaded, whatever its
    config names the labels.
    Raises SourceError for damaged weights or config, sizes that differ, weights that are not finite numbers, or a
    backbone that is not in the checkpoint.
    """
    own = from_pretrained.config(where, name)
    names = weight_names(where, name)
    _check_depth(config, names, name)
    with torch.random.fork_rng(devices=[]):
        skeleton, found = from_pretrained.model(
            auto_class,
            where,
            name,
            config=copy.deepcopy(config),
            device_map="meta",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    heads = tuple(f"{head}." for head in architecture.head_modules(skeleton))
    notes = _check_backbone(skeleton, found, heads, name)
    head, order, why_fresh = ("kept", (), "") if trained else _compare_heads(skeleton, found, heads, own, config)
    if not trained:
        sound_weights.check(where, name, skeleton, set(found["unexpected_keys"]), heads if head == "fresh" else ())
    positions, padding = _positions(skeleton, config)
    table: Any = architecture.token_embeddings(skeleton)
    types = [each for path, each in _tables(skeleton) if path.endswith("token_type_embeddings")]
    return Checkpoint(
        vocabulary=sys.maxsize if table is None else len(table.weight),
        token_types=types[0].num_embeddings if types else None,
        positions=positions,
        padding_positions=padding,
        head=head,
        label_order=order,
        notes=(*_renamed(names), *_own_code(where, type(skeleton).__name__, name), *notes),
        why_fresh=why_fresh,
        lacking=tuple(sorted(key for key in found["missing_keys"] if not key.startswith(heads))),
        head_shapes={
            key: tuple(weight.shape) for key, weight in skeleton.state_dict().items() if key.startswith(heads)
        },
    )


def _renamed(names: Sequence[str]) -> list[str]:
    """A note on a prefix that wrappers left on every name, which is ignored."""
    wrapper = wrapper_prefix(names)
    note = f"the names of all {len(names)} weights begin with {wrapper}, left by torch.compile or DDP; it was removed"
    return [note] if wrapper else []


def _own_code(where: Path, kind: str, name: str) -> list[str]:
    """A warning about code in the folder for a class that transformers also has, as in Phi-3's and Falcon's folders.

    Raises SourceError for code of a class that transformers does not have.
    """
    models = from_pretrained.refuse_own_classes(where / from_pretrained.CONFIG, "AutoModel", name)
    if not models:
        return []
    return [
        Odd(
            f"config.json names custom code for the model ({models[0][:100]}), which is never run; transformers' "
            f"{kind} is used instead and may compute something else"
        )
    ]


def _check_depth(config: PretrainedConfig, names: Sequence[str], name: str) -> None:
    """Raise SourceError for more layers than a checkpoint of this size can have: building them would take too long."""
    for part in (config, getattr(config, "encoder", None), getattr(config, "decoder", None)):
        layers = getattr(part, "num_hidden_layers", None)
        if isinstance(layers, int) and layers > max(DEEPEST, len(names)):
            raise SourceError(f"{name}: config.json says {layers} layers, and there are {len(names)} weights in all")


def _check_backbone(skeleton: Any, found: Any, heads: tuple[str, ...], name: str) -> list[str]:
    """A note on the few weights that are not in the checkpoint. Raises SourceError if there are more."""
    for key, theirs, ours in sorted(found["mismatched_keys"]):
        if not key.startswith(heads):
            raise SourceError(
                f"{name}: {key} is {_shape(theirs)} in the checkpoint, and {_shape(ours)} by config.json and tokenizer"
            )
    weights = {key: weight for key, weight in skeleton.state_dict().items() if not _may_be_new(key, heads)}
    missing = sorted(weights.keys() & set(found["missing_keys"]))
    if not missing:
        return []
    share = 100 * sum(weights[key].numel() for key in missing) / sum(weight.numel() for weight in weights.values())
    if len(missing) <= FEW and share <= FEW_PERCENT:
        return [Odd(f"initialised at random, as they are missing in the checkpoint: {', '.join(missing)}")]
    theirs = sorted(found["unexpected_keys"])[:NAMED]
    others = f", and has {', '.join(theirs)}" if theirs else ""
    there = len(weights) - len(missing)
    many = f"only {there} of" if there else "none of"
    raise SourceError(
        f"{name}: {many} the backbone's {len(weights)} weights {'are' if there else 'is'} in the checkpoint; "
        f"it lacks {', '.join(missing[:NAMED])}{others}"
    )


def _may_be_new(key: str, heads: tuple[str, ...]) -> bool:
    return "pooler" in key.split(".") or key.startswith(heads)


def _compare_heads(
    skeleton: Any, found: Any, heads: tuple[str, ...], own: PretrainedConfig, config: PretrainedConfig
) -> tuple[HeadState, tuple[int, ...], str]:
    """What happens to the checkpoint's head, the rows of our labels in it, and the reason if it cannot be used."""
    keys = {key for key in skeleton.state_dict() if key.startswith(heads)}
    missing = keys & set(found["missing_keys"])
    if missing == keys or (missing and _is_of_pretraining(own, keys, found)):
        return "absent", (), ""
    ours, theirs = labels_of(config), labels_of(own)
    if reason := _why_fresh(skeleton, keys, missing, found, own, ours, theirs):
        return "fresh", (), reason
    return "kept", tuple(theirs.index(label) for label in ours), ""


def _is_of_pretraining(own: PretrainedConfig, keys: set[str], found: Any) -> bool:
    """Whether the head's part in the checkpoint is from pretraining, as ModernBERT's transform before its outputs."""
    kinds = own.architectures or []
    pretrained = [kind for kind in kinds if kind.endswith(PRETRAINED)]
    return bool(kinds) and kinds == pretrained and not any(key in keys for key, *_ in found["mismatched_keys"])


def _why_fresh(
    skeleton: Any,
    keys: set[str],
    missing: set[str],
    found: Any,
    own: PretrainedConfig,
    ours: list[str],
    theirs: list[str],
) -> str:
    """Why a head cannot be used; "" if it can."""
    kinds = own.architectures or []
    if kinds and type(skeleton).__name__ not in kinds:
        return f"it is of another class ({', '.join(kinds)})"
    if missing:
        return f"it lacks {', '.join(sorted(missing)[:NAMED])}"
    if sorted(ours) != sorted(theirs) or any(key in keys for key, *_ in found["mismatched_keys"]):
        return f"its labels are {listed(theirs)}"
    return ""


def head_notes(heads: Sequence[tuple[str, HeadState, str]]) -> list[str]:
    """Notes on the heads of a checkpoint and its adapters, of which the last matching one is trained.

    heads: in order: the owner, the state, and why it cannot be used.
    """
    last = max((number for number, (_, state, _) in enumerate(heads) if state == "kept"), default=-1)
    trained = "a new one" if last < 0 else f"that of {heads[last][0]}"
    notes = []
    for number, (owner, state, why) in enumerate(heads):
        if number == last:
            notes.append(f"{owner}'s own head is trained further: its type and labels match")
        elif state == "kept":
            notes.append(f"{owner}'s own head is not used: {trained} matches as well and is newer")
        elif state == "fresh":
            lost = f"{owner}'s own head is not used: {why}; {trained} is trained"
            notes.append(Odd(lost) if last < 0 else lost)
    return notes


def labels_of(config: PretrainedConfig) -> list[str]:
    """The labels of a config, in the order of its outputs."""
    names: dict[Any, str] = config.id2label or {}
    return [str(names[key]) for key in sorted(names)]


def listed(labels: Sequence[str]) -> str:
    """The first labels, and the number of further ones."""
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(label[:40] for label in labels[:NAMED]) + more


def _tables(skeleton: nn.Module) -> list[tuple[str, nn.Embedding]]:
    return [(path, module) for path, module in skeleton.named_modules() if isinstance(module, nn.Embedding)]


def _positions(skeleton: nn.Module, config: PretrainedConfig) -> tuple[int | None, int]:
    """The maximum number of tokens in a text, and the number of position embeddings reserved for padding.

    In RoBERTa and its relatives, the positions of a text begin after the padding token's id. XLNet's -1 means that
    there is no limit; neither have models with relative positions that set no number.
    """
    limit = getattr(config, "max_position_embeddings", None) or getattr(config, "max_encoder_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None, 0
    padded = [
        table.padding_idx + 1
        for path, table in _tables(skeleton)
        if path.endswith("position_embeddings") and table.padding_idx is not None and table.num_embeddings == limit
    ]
    taken = max(padded, default=0)
    return limit - taken, taken


def _shape(size: Sequence[int]) -> str:
    return " x ".join(map(str, size))
