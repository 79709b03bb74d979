"""Adapters that a trial starts from: merged into the model's weights, or kept frozen under the new method.

An adapter's own head is trained further if it is of the trial's kind and has the same labels, by name, as with a
checkpoint that has a head; otherwise a new head is initialised.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pefbench.errors import RecipeError, SourceError
from pefbench.models import checkpoint, sound_weights
from pefbench.models.from_pretrained import ADAPTER, ADAPTER_WEIGHTS, CONFIG, read_json
from pefbench.models.reading import reading
from pefbench.sources.transport.digests import digest_of
from pefbench.sources.transport.weights import refuse_pickles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PretrainedConfig

    from pefbench.heads import Head
    from pefbench.models.checkpoint import Checkpoint, HeadState
    from pefbench.results.schema import StartAdapter
    from pefbench.trial.saved import SavedTrial

Mode = Literal["merge", "stack"]
TRAINED = "trained.safetensors"
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


def joined_fingerprint(base: str, adapters: Sequence[StartAdapter]) -> str:
    """A sha256 of the fingerprints of a base model and its adapters, which distinguishes results on other combinations.

    Without adapters it is the base's own fingerprint.
    """
    if not adapters:
        return base
    parts = [base, *(f"{each['mode']} {each['head']} {each['fingerprint']}" for each in adapters)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def plain(key: str) -> str:
    """A weight's name in the model."""
    return key.removeprefix(PREFIX)


def dotted(heads: Sequence[str]) -> tuple[str, ...]:
    """How the names of the heads' weights begin."""
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

    heads = dotted(sorted({name.partition(".")[0] for name in base.head_shapes}))
    with (
        reading(f"{adapter.source}: the adapter's weights cannot be read"),
        safe_open(adapter.weights, framework="pt") as weights,
    ):
        shapes = {plain(key): tuple(weights.get_slice(key).get_shape()) for key in weights.keys()}  # noqa: SIM118
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
