"""Prefixes of several adapters in one batch: each row attends only to its own adapter's prefix.

As in `methods.tuners.prefix_attention`, each attention gets a copy of its config that names our attention function.
That function calls the original one once for each run of rows with equally many virtual tokens, so that a row's
results do not depend on the prefixes of other rows. If positions in training started after the prefix, they also do
here, row by row.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from pefbench.methods.tuners.prefix_cache import CACHE
from pefbench.methods.tuners.virtual_tokens import parameters
from pefbench.models.patches import attention
from pefbench.server.mixing.part import Unmixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pefbench.server.mixing.part import KeyValues

NAME = "pefbench_mixed_prefix"
HANDED = "mixed_prefix"
POSITIONS = "position_embeddings"


@dataclass
class Run:
    """Consecutive rows [first, end) with equally many virtual tokens, and their prefixes.

    pairs: for each attention, keys and values (rows, heads, virtual tokens, size).
    """

    first: int
    end: int
    pairs: KeyValues


@dataclass(eq=False)
class Attention:
    """What one attention needs: its own config, its position in the call order, the batch's prefixes."""

    config: Any
    number: int | None = None
    shape: tuple[int, int] = (0, 0)
    prefixes: Prefixes = field(default=None, repr=False)  # type: ignore[assignment]  # set at once


class Prefixes:
    """A backbone's attentions, and the prefixes of the current batch. why_not: why prefixes cannot be used, if so."""

    def __init__(self, backbone: Any, why_not: str = "") -> None:
        self.runs: list[Run] = []
        self.calls: list[Attention] | None = None  # a list only while the call order is recorded
        self.order: list[Attention] = []
        self.why_not = why_not or _why_not(backbone)
        if self.why_not:
            return
        for module in backbone.modules():
            if _may_attend(module):
                place = Attention(module.config, prefixes=self)
                attention.use(module, NAME)
                setattr(module, HANDED, place)
        self._moves = CACHE in parameters(backbone)
        for table in _position_tables(backbone) if self._moves else ():
            table.register_forward_pre_hook(self._move)

    def settle(self, calls: Sequence[Attention]) -> None:
        """Set the order of the attentions to that of their calls in a pass; attentions not called are left out."""
        self.order = list(calls)
        for number, place in enumerate(calls):
            place.number = number

    def of(self, saved: Tensor) -> KeyValues:
        """The saved prefix (virtual tokens, numbers) as keys and values. Raises Unmixed if it cannot be used here."""
        if self.why_not:
            raise Unmixed(self.why_not)
        shapes = {place.shape for place in self.order}
        if len(shapes) != 1:
            raise Unmixed("its attentions have keys of several shapes")
        [(heads, size)] = shapes
        if saved.shape[1] != 2 * len(self.order) * heads * size:
            raise Unmixed("its prefix does not fit the attentions")
        parts = saved.view(len(saved), len(self.order), 2, heads, size).permute(1, 2, 3, 0, 4).contiguous()
        return [(keys[None], values[None]) for keys, values in parts]

    def begin(self, rows: Sequence[tuple[int, int, KeyValues]]) -> None:
        """Set the prefixes of a batch. rows: [first, end) of each adapter and its prefix, in order."""
        self.runs = []
        if not any(pairs for _, _, pairs in rows):
            return
        for _, run in groupby(rows, key=lambda each: each[2][0][0].shape[2] if each[2] else 0):
            members = list(run)
            joined = [
                tuple(
                    torch.cat([pairs[number][half].expand(end - first, -1, -1, -1) for first, end, pairs in members])
                    for half in (0, 1)
                )
                for number in range(len(members[0][2]))
            ]
            self.runs.append(Run(members[0][0], members[-1][1], joined))  # type: ignore[arg-type]  # pairs they are

    def _move(self, _table: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Start the positions of each row after its prefix."""
        if not self.runs:
            return None
        ids, *rest = args
        behind = [run.pairs[0][0].shape[2] if run.pairs else 0 for run in self.runs for _ in range(run.first, run.end)]
        moved: Tensor = ids.expand(len(behind), -1) + ids.new_tensor(behind)[:, None]
        return (moved, *rest)


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, Tensor | None]:
    """Attend to the prefixes too; queries, keys and values have shape (batch, heads, length, size)."""
    place: Attention = getattr(module, HANDED)
    prefixes = place.prefixes
    eager: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    before = attention.function_of(place.config, eager)
    if prefixes.calls is not None:
        prefixes.calls.append(place)
        place.shape = (key.shape[1], key.shape[3])
    if not prefixes.runs or place.number is None:
        plain: tuple[Tensor, Tensor | None] = before(module, query, key, value, attention_mask, **kwargs)
        return plain
    found = []
    for run in prefixes.runs:
        rows = slice(run.first, run.end)
        keys, values, mask, given = key[rows], value[rows], attention_mask, dict(kwargs)
        if mask is not None and mask.shape[0] > 1:
            mask = mask[rows]
        if run.pairs:
            pair = [part.to(key.dtype) for part in run.pairs[place.number]]
            keys, values = torch.cat([pair[0], keys], dim=2), torch.cat([pair[1], values], dim=2)
            length = pair[0].shape[2]
            # Masks are either boolean, True for visible keys, or added to the scores.
            mask = None if mask is None else functional.pad(mask, (length, 0), value=mask.dtype == torch.bool)
            if given.get("position_bias") is not None:
                given["position_bias"] = functional.pad(given["position_bias"], (length, 0))
        found.append(before(module, query[rows], keys, values, mask, **given)[0])
    return torch.cat(found), None


def _why_not(backbone: Any) -> str:
    """Why prefixes cannot share a batch in this backbone, or ""."""
    modules = [module for module in backbone.modules() if _may_attend(module)]
    if not modules or backbone.config.is_encoder_decoder:
        return "its architecture's attentions take no prefix row by row"
    if any(getattr(module, "is_causal", False) for module in modules):
        return "prefixes of decoders do not share a batch"
    if CACHE in parameters(backbone) and len(_position_tables(backbone)) != 1:
        return "its architecture's positions cannot be counted row by row"
    return ""


def _position_tables(backbone: nn.Module) -> list[Any]:
    return [
        module
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Embedding) and name.endswith(POSITIONS)
    ]


def _may_attend(module: Any) -> bool:
    """Whether a module could be an attention that takes its function from its config."""
    from transformers import PreTrainedModel

    return not isinstance(module, PreTrainedModel) and hasattr(vars(module).get("config"), "_attn_implementation")


attention.register(NAME, attend)
