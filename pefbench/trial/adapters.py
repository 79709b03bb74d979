"""Adapters that a trial starts from: merged into the model's weights, or kept frozen under the new method.

An adapter's own head is trained further if it is of the trial's kind and has the same labels, by name, as with a
checkpoint that has a head; otherwise a new head is initialised.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from pefbench.errors import DataError, RecipeError, SourceError
from pefbench.models import architecture, checkpoint, from_pretrained, loading, sound_weights, stacked
from pefbench.models.from_pretrained import ADAPTER, ADAPTER_WEIGHTS, CONFIG, read_json
from pefbench.models.patches import notices
from pefbench.models.reading import reading
from pefbench.sources.transport.digests import digest_of
from pefbench.sources.transport.weights import refuse_pickles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PretrainedConfig

    from pefbench.heads import Head
    from pefbench.models.checkpoint import Checkpoint, HeadState
    from pefbench.results.schema import StartAdapter
    from pefbench.trial.saved import SavedTrial

Mode = Literal["merge", "stack"]
TRAINED = "trained.safetensors"
SMALL_RANK = 2**13
"""PEFT may allocate weights up to this rank at once, even if no dimension of the file's weights is that large."""
PREFIX = "base_model.model."
"""Prefix of the names of the model's own modules in PEFT's files."""
UNMERGED = frozenset(
    {
        "ADAPTION_PROMPT",
        "BOTTLENECK",
        "CARTRIDGE",
        "CPT",
        "MAM",
        "MULTITASK_PROMPT_TUNING",
        "POLY",
        "PREFIX_TUNING",
        "PROMPT_TUNING",
        "P_TUNING",
        "SHADOW",
        "XLORA",
    }
)
"""Types of adapters that are not a change of the weights."""
TOLERANCE = 1e-3
"""The largest difference between the outputs before and after merging, relative to the largest output."""
NAMED = 3


@dataclass(frozen=True)
class Adapter:
    """An adapter that a trial starts from.

    source: the address in the recipe. kind: its type in PEFT; "" for trained weights of the model itself. mode: merge
    or stack. labels: those of its head, in the order of its outputs; None: unknown. head, label_order, why_fresh: see
    `Checkpoint`.
    """

    source: str
    folder: Path
    kind: str
    mode: Mode
    task_type: str | None
    labels: tuple[str, ...] | None
    head: HeadState = "absent"
    label_order: tuple[int, ...] = ()
    why_fresh: str = ""

    @property
    def weights(self) -> Path:
        """The file with the weights."""
        return self.folder / (ADAPTER_WEIGHTS if self.kind else TRAINED)

    def stated(self) -> StartAdapter:
        """The adapter's entry in the result."""
        return {
            "source": self.source,
            "fingerprint": digest_of(self.weights),
            "type": self.kind or "weights",
            "mode": self.mode,
            "head": self.head,
        }


def read(folder: Path, source: str, mode: Mode | None, trial: SavedTrial | None) -> Adapter:
    """Read an adapter from a folder. mode: None: merge if possible.

    Raises SourceError for pickled weights, missing weights or a damaged config; RecipeError for a mode that this type
    does not support.
    """
    refuse_pickles(folder, source)
    if (folder / TRAINED).is_file():
        if mode == "stack":
            raise RecipeError(f"model.adapter_mode: stack; {source} holds trained weights of the base model; use merge")
        return Adapter(source, folder, "", "merge", trial and _task_type(trial), trial and _labels(trial))
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise SourceError(f"{source}: no {ADAPTER_WEIGHTS} beside {ADAPTER}")
    config = read_json(folder / ADAPTER)
    kind = str(config.get("peft_type")).upper()
    if kind in UNMERGED:
        raise SourceError(
            f"{source}: an adapter of type {kind} does not change weights, so it can be neither merged nor stacked; "
            f"start from LoRA or another type that can be merged"
        )
    dora = bool(config.get("use_dora"))
    if mode == "stack" and (kind != "LORA" or dora):
        raise RecipeError(
            f"model.adapter_mode: stack works with LoRA only, {source} is {'DoRA' if dora else kind}; use merge"
        )
    told = trial and _labels(trial)
    task_type = config.get("task_type")
    return Adapter(
        source,
        folder,
        kind,
        mode or "merge",
        task_type if isinstance(task_type, str) else None,
        told or _named_labels(folder),
    )


def settle(
    adapters: Sequence[Adapter],
    base: Checkpoint,
    config: PretrainedConfig,
    head: Head,
    *,
    chosen: Mode | None,
    quantised: bool,
) -> tuple[Adapter, ...]:
    """The adapters, each with the state of its head, and with the mode that the base's precision allows.

    Raises RecipeError for an adapter that a quantised base does not support, SourceError for one that contains NaN.
    """
    found = []
    for adapter in adapters:
        sound_weights.check_adapter(adapter.weights, adapter.source)
        mode = adapter.mode
        if quantised and (chosen == "merge" or adapter.kind != "LORA"):
            raise RecipeError(
                f"model.adapter_mode: {adapter.source} cannot be merged into quantised weights; stack it (LoRA), or "
                "leave out model.quantize"
            )
        if quantised:
            mode = "stack"
        which, order, why_fresh = _head_of(adapter, base, config, head)
        found.append(replace(adapter, mode=mode, head=which, label_order=order, why_fresh=why_fresh))
    return tuple(found)


def head_notes(base: Checkpoint, adapters: Sequence[Adapter]) -> list[str]:
    """Notes on what happens to the heads of the checkpoint and of its adapters."""
    names = ["the adapter"] if len(adapters) == 1 else [f"the adapter {adapter.source}" for adapter in adapters]
    own = [(name, each.head, each.why_fresh) for name, each in zip(names, adapters, strict=True)]
    return checkpoint.head_notes([("the checkpoint", base.head, base.why_fresh), *own])


def put_on(model: nn.Module, adapters: Sequence[Adapter]) -> nn.Module:
    """Apply the adapters to the model; its weights stay trainable. Raises SourceError if an adapter does not fit."""
    for adapter in adapters:
        weights, heads = _read_weights(adapter), architecture.head_modules(model)
        in_head = {key: weight for key, weight in weights.items() if _plain(key).startswith(_dotted(heads))}
        others = {key: weight for key, weight in weights.items() if key not in in_head}
        model = _put_on(model, adapter, others) if adapter.kind else _copied(model, adapter, others)
        if adapter.head == "kept":
            model = _copied(model, adapter, in_head)
            loading.order_labels(model, adapter.label_order)
    return model


def joined_fingerprint(base: str, adapters: Sequence[StartAdapter]) -> str:
    """A sha256 of the fingerprints of a base model and its adapters, which distinguishes results on other combinations.

    Without adapters it is the base's own fingerprint.
    """
    if not adapters:
        return base
    parts = [base, *(f"{each['mode']} {each['head']} {each['fingerprint']}" for each in adapters)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def register() -> None:
    """Register our own tuners with PEFT; must run before one of their adapters is loaded."""
    from pefbench.methods.tuners import bottleneck, butterfly, mam, placed

    bottleneck.register()
    butterfly.register()
    mam.register()
    placed.register()


def check_rank(saved: Path) -> None:
    """Raise DataError for a rank that no weight of the adapter has: PEFT would allocate weights of that size first."""
    from safetensors import safe_open

    with reading(f"{saved}: the adapter cannot be loaded", DataError):
        rank = json.loads((saved / ADAPTER).read_text(encoding="utf8")).get("r", 0)
        with safe_open(saved / ADAPTER_WEIGHTS, framework="pt") as weights:
            sizes = [size for name in weights.keys() for size in weights.get_slice(name).get_shape()]  # noqa: SIM118
    if isinstance(rank, int) and rank > max(SMALL_RANK, *sizes):
        raise DataError(f"{saved / ADAPTER}: damaged: r is {rank}, and no weight is that large")


def _put_on(model: nn.Module, adapter: Adapter, weights: Mapping[str, Tensor]) -> nn.Module:
    """Apply a PEFT adapter, without its head."""
    register()
    check_rank(adapter.folder)
    trained = {name: weight.requires_grad for name, weight in model.named_parameters()}
    in_eval = not model.training
    with notices.norms_without_sizes(), notices.ranks_of_adalora():
        wrapped, whole = from_pretrained.bare_adapter(model, adapter.folder, weights, adapter.source)
    wrapped.eval()
    if adapter.mode == "stack":
        unwrapped = stacked.keep(wrapped, adapter.source)
    else:
        before = _outputs(cast("Any", wrapped).get_base_model())
        with reading(f"{adapter.source}: cannot be merged"):
            unwrapped = cast("Any", wrapped).merge_and_unload(safe_merge=True)
        _check_same(before, _outputs(unwrapped), adapter)
    if hasattr(unwrapped, "peft_config"):
        del unwrapped.peft_config
    unwrapped = _copied(unwrapped, adapter, whole)
    for name, weight in unwrapped.named_parameters():
        weight.requires_grad_(trained[name])
    return unwrapped.train(not in_eval)


def _copied(model: nn.Module, adapter: Adapter, weights: Mapping[str, Tensor]) -> nn.Module:
    """Copy weights of the model itself into it, in place. Raises SourceError unless every weight fits."""
    import torch

    places = model.state_dict()
    named = {_plain(key) if adapter.kind else key: weight for key, weight in weights.items()}
    from_pretrained.check_fit(named, {key: tuple(place.shape) for key, place in places.items()}, adapter.source)
    with torch.no_grad():
        for name, weight in named.items():
            places[name].copy_(weight)
    return model


def _outputs(model: Any) -> Tensor:
    """The model's outputs for a short text, flattened."""
    import torch

    from pefbench.methods.tuners import prefix_tokens

    with torch.no_grad():
        found = prefix_tokens.probe(model)
    states: Tensor = next(iter(found.values()))
    return states.float().flatten()


def _check_same(before: Tensor, after: Tensor, adapter: Adapter) -> None:
    """Raise SourceError if merging changes the model's outputs: PEFT cannot merge every option."""
    far = float((before - after).abs().max() / before.abs().max().clamp(min=1e-6))
    if not far <= TOLERANCE:
        raise SourceError(
            f"{adapter.source}: merging changes the model's outputs by {far:.1%}: PEFT cannot merge this {adapter.kind}"
        )


def _read_weights(adapter: Adapter) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    with reading(f"{adapter.source}: the adapter's weights cannot be read"):
        weights: dict[str, Tensor] = load_file(adapter.weights)
    return weights


def _plain(key: str) -> str:
    """A weight's name in the model."""
    return key.removeprefix(PREFIX)


def _dotted(heads: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{head}." for head in heads)


def _head_of(
    adapter: Adapter, base: Checkpoint, config: PretrainedConfig, head: Head
) -> tuple[HeadState, tuple[int, ...], str]:
    """What happens to an adapter's head, the rows of our labels in it, and the reason if it cannot be used."""
    theirs = _head_shapes(adapter, base)
    if not theirs:
        return "absent", (), ""
    ours = checkpoint.labels_of(config)
    reason = _why_fresh(adapter, theirs, base, ours, head.task_type)
    if reason:
        return "fresh", (), reason
    labels = list(adapter.labels or ours)
    order = tuple(labels.index(label) for label in ours)
    return "kept", order, ""


def _head_shapes(adapter: Adapter, base: Checkpoint) -> dict[str, tuple[int, ...]]:
    from safetensors import safe_open

    heads = _dotted(sorted({name.partition(".")[0] for name in base.head_shapes}))
    with (
        reading(f"{adapter.source}: the adapter's weights cannot be read"),
        safe_open(adapter.weights, framework="pt") as weights,
    ):
        shapes = {_plain(key): tuple(weights.get_slice(key).get_shape()) for key in weights.keys()}  # noqa: SIM118
    return {key: shape for key, shape in shapes.items() if key.startswith(heads)}


def _why_fresh(
    adapter: Adapter, theirs: Mapping[str, tuple[int, ...]], base: Checkpoint, ours: Sequence[str], task_type: str
) -> str:
    if adapter.task_type is not None and adapter.task_type != task_type:
        return f"it is for another task type ({adapter.task_type})"
    if lacking := sorted(base.head_shapes.keys() - theirs.keys()):
        return f"it lacks {', '.join(lacking[:NAMED])}"
    labels = adapter.labels or ([] if any(not _is_number(label) for label in ours) else ours)
    if not labels:
        return "nothing in its folder says which labels it has"
    if sorted(labels) != sorted(ours):
        return f"its labels are {checkpoint.listed(labels)}"
    if any(theirs[key] != tuple(shape) for key, shape in base.head_shapes.items()):
        return "its sizes differ"
    return ""


def _is_number(label: str) -> bool:
    """Whether a label is the number of an output, not a name, as in heads for spans and scores."""
    return label.startswith("LABEL_")


def _labels(trial: SavedTrial) -> tuple[str, ...] | None:
    labels = trial.get("labels")
    return tuple(labels) if labels else None


def _task_type(trial: SavedTrial) -> str | None:
    return trial.get("task_type")


def _named_labels(folder: Path) -> tuple[str, ...] | None:
    """The labels in a config.json beside an adapter, if it exists."""
    found = read_json(folder / CONFIG).get("id2label")
    if not isinstance(found, dict) or not all(str(key).isdecimal() for key in found):
        return None
    return tuple(str(found[key]) for key in sorted(found, key=int)) or None
