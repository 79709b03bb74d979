"""The frozen base that adapters share: one pass through it serves rows of many of them."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from pefbench.methods import NOTHING
from pefbench.models import architecture, frozen, loading
from pefbench.models.frozen import HALF, Frozen
from pefbench.server.mixing.part import Place
from pefbench.server.mixing.prefixes import Prefixes
from pefbench.trial import adapters, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor

    from pefbench.server.mixing.part import Adapter, Part
    from pefbench.trial.prepare import Ready

PROBED = (3, 5)
"""Rows and tokens of the pass that tells which modules see the rows of a batch first."""
EVEN = 16
"""Products have a multiple of so many rows: torch computes these alike however many there are, by any number of threads
among which it divides them, and others not."""


LINEAR = (nn.Linear, Conv1D)
WRITES = "a prefix shares no batches where texts are generated"


class NoHead:
    """What loading must know of a model without a head."""

    auto_class = "AutoModel"
    reads_words = False
    needs_alignment = False

    def config(self) -> dict[str, object]:
        """Nothing."""
        return {}


@dataclass
class Batch:
    """What is done to the rows of one pass: by module, what enters and leaves it is changed by which parts."""

    entering: dict[str, list[tuple[slice, Part]]] = field(default_factory=dict)
    leaving: dict[str, list[tuple[slice, Part]]] = field(default_factory=dict)
    sources: dict[str, Tensor | None] = field(default_factory=dict)


class Base:
    """A backbone, and the adapters' parts in it while a batch runs. One thread at a time.

    whole: with the head of a language model, where texts are generated; else the backbone, without a head.
    """

    def __init__(self, whole: nn.Module, precision: str) -> None:
        self.whole = cast("Any", whole.eval().requires_grad_(requires_grad=False))
        self.backbone = cast("Any", architecture.backbone(whole))
        self.config = self.backbone.config
        self.dtype: torch.dtype = HALF.get(precision) or self.backbone.get_input_embeddings().weight.dtype
        self.device = next(whole.parameters()).device
        self.weights = {name: tuple(weight.shape) for name, weight in self.backbone.state_dict().items()}
        self._batch = Batch()
        self._prefixes = Prefixes(self.backbone, WRITES if self.whole is not self.backbone else "")
        self.modules = self._probe()
        for name, module in self.modules.items():
            module.register_forward_pre_hook(self._entering(name))
            module.register_forward_hook(self._leaving(name))

    @property
    def place(self) -> Place:
        """What an adapter's file is told of the base."""
        return Place(self.modules, self.dtype, self._prefixes.of)

    @torch.inference_mode()
    def run(self, tensors: Mapping[str, Tensor], rows: Sequence[tuple[int, int, Adapter]]) -> Any:
        """The backbone's output. rows: [first, end) of each adapter's, in order, covering the batch."""
        self._batch = _planned(rows)
        self._prefixes.begin([(first, end, adapter.prefix) for first, end, adapter in rows])
        try:
            with self.precision():
                return self.backbone(**self._decoded({name: each.to(self.device) for name, each in tensors.items()}))
        finally:
            self._batch = Batch()
            self._prefixes.begin([])

    def _decoded(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the backbone is given, the decoder's ids among it where the head makes them, as T5's does."""
        if not self.config.is_encoder_decoder or not hasattr(self.backbone, "_shift_right"):
            return given
        return {**given, "decoder_input_ids": self.backbone._shift_right(given["input_ids"])}

    @contextmanager
    def writing(self, rows: Sequence[tuple[int, int, Adapter]]) -> Iterator[Any]:
        """The language model, each adapter at work on its rows of whatever it is given. rows: as for `run`."""
        self._batch = _planned(rows)
        try:
            with torch.inference_mode(), self.precision():
                yield self.whole
        finally:
            self._batch = Batch()

    def precision(self) -> AbstractContextManager[Any]:
        """As the trials computed."""
        half = self.dtype in HALF.values()
        return torch.autocast(self.device.type, self.dtype) if half else nullcontext()

    @torch.inference_mode()
    def _probe(self) -> dict[str, nn.Module]:
        """The linear layers and norms that see rows first at each call, by name; those that see one token a row padded.

        A layer that also sees something else, such as distances, is left out.
        """
        rows, length = PROBED
        seen: dict[str, set[tuple[int, ...]]] = {}
        hooks = []
        for name, module in _candidates(self.backbone):
            hooks.append(module.register_forward_pre_hook(_noting(seen.setdefault(name, set()))))
        self._prefixes.calls = []
        ids = torch.zeros(PROBED, dtype=torch.long, device=self.device)
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        given |= {"decoder_input_ids": ids} if self.config.is_encoder_decoder else {}
        with self.precision():
            self.backbone(**given)
        for hook in hooks:
            hook.remove()
        self._prefixes.settle(self._prefixes.calls)
        self._prefixes.calls = None
        found = {}
        for name, module in _candidates(self.backbone):
            if seen[name] and all(shape[:2] == (rows, length) and len(shape) == 3 for shape in seen[name]):
                found[name] = module
            elif seen[name] and all(shape[:1] == (rows,) and len(shape) == 2 for shape in seen[name]):
                found[name] = module
                if isinstance(module, LINEAR):
                    _Padded(module)
        return found

    def _entering(self, name: str) -> Callable[..., Any]:
        def hook(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if name in self._batch.sources:
                self._batch.sources[name] = args[0]
            changes = self._batch.entering.get(name)
            if not changes:
                return None
            x = args[0].clone()
            for rows, part in changes:
                x[rows] = part.enter(x[rows])
            return (x, *args[1:])

        return hook

    def _leaving(self, name: str) -> Callable[..., Any]:
        def hook(_module: nn.Module, args: tuple[Any, ...], y: Tensor) -> None:
            for rows, part in self._batch.leaving.get(name, ()):
                source = self._batch.sources[part.source] if part.source else None
                part.leave(args[0][rows], y[rows], None if source is None else source[rows])

        return hook


def load(ready: Ready) -> Base:
    """The base of a trial. Raises a UserError for one that cannot be loaded."""
    recipe = ready.recipe
    held = Frozen(recipe.train.precision, NOTHING)
    plain = not ready.adapters and recipe.model.quantize == "none"
    writes = ready.head.generates
    model = loading.load_pretrained(
        ready.base,
        copy(ready.config),
        NoHead() if plain and not writes else ready.head,
        attention=build.attention(ready),
        quantize=recipe.model.quantize,
        keep=held if plain else build.kept_small(ready),
    )
    model = adapters.put_on(model, ready.adapters)
    frozen.cast(model, held)
    return Base(model if writes else architecture.backbone(model), recipe.train.precision)


def _planned(rows: Sequence[tuple[int, int, Adapter]]) -> Batch:
    batch = Batch()
    for first, end, adapter in rows:
        mine = slice(first, end)
        for name, part in adapter.parts.items():
            if part.enters:
                batch.entering.setdefault(name, []).append((mine, part))
            if part.leaves:
                batch.leaving.setdefault(name, []).append((mine, part))
            if part.source:
                batch.sources[part.source] = None
    batch.leaving = {name: _together(changes) for name, changes in batch.leaving.items()}
    return batch


def _together(changes: Sequence[tuple[slice, Part]]) -> list[tuple[slice, Part]]:
    """Changes at one module, those of a group that follow each other as one."""
    found: list[tuple[slice, Part]] = []
    for group, run in groupby(changes, key=lambda change: change[1].group):
        members = list(run)
        if group is None:
            found += members
        else:
            whole = slice(members[0][0].start, members[-1][0].stop)
            found.append((whole, members[0][1].together([(at.stop - at.start, part) for at, part in members])))
    return found


def _candidates(backbone: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    norms = set(architecture.norms(backbone))
    for name, module in backbone.named_modules():
        if isinstance(module, LINEAR) or name in norms:
            yield name, module


def _noting(shapes: set[tuple[int, ...]]) -> Callable[..., None]:
    def hook(_module: nn.Module, args: tuple[Any, ...]) -> None:
        shapes.add(tuple(args[0].shape) if args else ())

    return hook


def even(rows: int) -> int:
    """The rows that a product of so many gets."""
    return -(-rows // EVEN) * EVEN


class _Padded:
    """A product of any number of rows, made `even`: the last is repeated, and what is computed for that is cut off."""

    def __init__(self, module: nn.Module) -> None:
        self._rows = 0
        module.register_forward_pre_hook(self._enter)
        module.register_forward_hook(self._leave)

    def _enter(self, _module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        x, *rest = args
        self._rows = len(x)
        return (torch.cat([x, x[-1:].expand(even(len(x)) - len(x), -1)]), *rest)

    def _leave(self, _module: nn.Module, _args: tuple[Any, ...], y: Tensor) -> Tensor:
        return y[: self._rows]
