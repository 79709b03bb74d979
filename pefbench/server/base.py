"""The frozen base that adapters share: one forward pass serves rows of many adapters."""

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
from pefbench.trial import adapter_weights, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor

    from pefbench.server.mixing.part import Adapter, Part
    from pefbench.trial.prepare import Ready

PROBED = (3, 5)
"""Rows and tokens of the probing pass, which finds the modules whose input has the batch as its first dimension."""
EVEN = 16
"""Matrix products are padded to a multiple of this many rows. Only then do torch's results for a row depend neither on
the number of rows nor on the number of threads that share them."""


LINEAR = (nn.Linear, Conv1D)
WRITES = "a prefix shares no batches where texts are generated"


class NoHead:
    """What `loading` needs to know about a model without a head."""

    auto_class = "AutoModel"
    reads_words = False
    needs_alignment = False

    def config(self) -> dict[str, object]:
        """No options."""
        return {}


@dataclass
class Batch:
    """For one pass, by module name: the parts that change its input and output, each with its rows; source inputs."""

    entering: dict[str, list[tuple[slice, Part]]] = field(default_factory=dict)
    leaving: dict[str, list[tuple[slice, Part]]] = field(default_factory=dict)
    sources: dict[str, Tensor | None] = field(default_factory=dict)


class Base:
    """A backbone, with the adapters' parts active in it while a batch runs. One thread at a time.

    whole: for text generation, the model with its language-model head; otherwise the backbone alone.
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
        """What the files in `mixing/` need to know about the base."""
        return Place(self.modules, self.dtype, self._prefixes.of)

    @torch.inference_mode()
    def run(self, tensors: Mapping[str, Tensor], rows: Sequence[tuple[int, int, Adapter]]) -> Any:
        """The backbone's output. rows: each adapter with its rows [first, end), in order, covering the batch."""
        self._batch = _planned(rows)
        self._prefixes.begin([(first, end, adapter.prefix) for first, end, adapter in rows])
        try:
            with self.precision():
                return self.backbone(**self._decoded({name: each.to(self.device) for name, each in tensors.items()}))
        finally:
            self._batch = Batch()
            self._prefixes.begin([])

    def _decoded(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """The backbone's inputs, with decoder ids added if the head would make them, as T5's does."""
        if not self.config.is_encoder_decoder or not hasattr(self.backbone, "_shift_right"):
            return given
        return {**given, "decoder_input_ids": self.backbone._shift_right(given["input_ids"])}

    @contextmanager
    def writing(self, rows: Sequence[tuple[int, int, Adapter]]) -> Iterator[Any]:
        """The language model, each adapter active on its own rows of every input. rows: as for `run`."""
        self._batch = _planned(rows)
        try:
            with torch.inference_mode(), self.precision():
                yield self.whole
        finally:
            self._batch = Batch()

    def precision(self) -> AbstractContextManager[Any]:
        """The precision in which the trials computed."""
        half = self.dtype in HALF.values()
        return torch.autocast(self.device.type, self.dtype) if half else nullcontext()

    @torch.inference_mode()
    def _probe(self) -> dict[str, nn.Module]:
        """The linear layers and norms whose every input has the batch as its first dimension, by name.

        Linear layers that see one token per row, (rows, size), are padded (`_Padded`). A layer that also has other
        inputs, such as distances, is left out.
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
    """Load the base of a trial. Raises a UserError if that fails."""
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
    model = adapter_weights.put_on(model, ready.adapters)
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
    """Changes at one module; consecutive ones of the same group are merged into one."""
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
    """The number of rows to which a product of `rows` rows is padded."""
    return -(-rows // EVEN) * EVEN


class _Padded:
    """Pads a linear layer's rows to an `even` number by repeating the last row, and cuts its output again."""

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
