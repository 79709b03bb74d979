"""Packing: short texts of one step share rows, so that almost no padding is computed.

The examples of a step and its loss, the mean over their targets, do not change; only their place in the batch does. A
token attends over its whole row, so there are as many rows as possible while 97 % of the tokens stay useful.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from pefbench.errors import RecipeError
from pefbench.heads import IGNORED, TARGETS
from pefbench.heads._apart import SEGMENTS
from pefbench.models import loading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pefbench.heads import Encoded
    from pefbench.trial.batching import Indices
    from pefbench.trial.prepare import Prepared

USEFUL = 0.97
"""The minimum share of tokens that are not padding."""
TYPES = frozenset({"gemma", "gpt2", "gpt_neox", "llama", "mistral", "mixtral", "opt", "phi", "qwen2", "qwen3"})
"""Types of models that take positions, and a mask for every pair of tokens. A test tries each."""


def check(prepared: Prepared) -> None:
    """Raise RecipeError if examples in one row cannot be kept apart."""
    recipe, config = prepared.recipe, prepared.config
    if not recipe.train.packing:
        return
    if not prepared.head.packs:
        raise RecipeError("train.packing: only for decoders that learn to generate text; set it to false")
    if recipe.method.virtual_tokens():
        raise RecipeError(
            f"train.packing: does not work with {recipe.method.name}, whose virtual tokens stand before a whole row, "
            "not before each example in it; set it to false"
        )
    kinds = {part.model_type for part in loading.stacks(config)}
    if not kinds <= TYPES:
        raise RecipeError(
            f"train.packing: examples in one row cannot be kept apart in {', '.join(sorted(kinds - TYPES))}; "
            f"supported: {', '.join(sorted(TYPES))}"
        )
    window = getattr(config, "sliding_window", None)
    if window is not None and window < recipe.train.max_length:
        raise RecipeError(
            f"train.packing: packed rows do not support the model's attention window of {window} tokens; "
            f"set train.max_length to at most {window}"
        )


def rows(lengths: Sequence[int]) -> list[list[int]]:
    """Which examples share a row, as indices into `lengths`: as many rows as keep enough tokens useful.

    Each example, the longest first, goes into the row that is shortest so far (Graham 1969, section 3).
    """
    total = sum(lengths)
    for count in range(len(lengths), 1, -1):
        found = _shared_out(lengths, count)
        longest = max(sum(lengths[i] for i in row) for row in found)
        if total >= USEFUL * count * longest:
            return found
    return [list(range(len(lengths)))]


def collate(encoded: Encoded, part: Sequence[int] | Indices) -> dict[str, Tensor]:
    """Examples as packed rows: see `laid_out`."""
    chosen = [int(i) for i in part]
    packed = rows([int(encoded.lengths[i]) for i in chosen])
    return laid_out(encoded, [[chosen[place] for place in row] for row in packed])


def laid_out(encoded: Encoded, packed: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Rows of examples as a batch (rows, length): ids, targets, positions that restart at each example, and `SEGMENTS`.

    The first token of an example is not a target: the token before it belongs to another example.
    """
    import torch

    length = max(sum(int(encoded.lengths[i]) for i in row) for row in packed)
    shape = (len(packed), length)
    batch = {
        "input_ids": np.full(shape, encoded.padding["input_ids"], dtype=np.int64),
        TARGETS: np.full(shape, IGNORED, dtype=np.int64),
        "position_ids": np.zeros(shape, dtype=np.int64),
        SEGMENTS: np.full(shape, -1, dtype=np.int64),
    }
    for number, row in enumerate(packed):
        start = 0
        for segment, example in enumerate(row):
            ids, targets = (encoded.features[name][example] for name in ("input_ids", TARGETS))
            here = np.s_[number, start : start + len(ids)]
            batch["input_ids"][here], batch[TARGETS][here] = ids, targets
            batch["position_ids"][here], batch[SEGMENTS][here] = np.arange(len(ids)), segment
            batch[TARGETS][number, start] = IGNORED
            start += len(ids)
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def size(lengths: Sequence[int]) -> int:
    """The number of tokens in the packed rows, with padding."""
    packed = rows(lengths)
    return len(packed) * max(sum(lengths[i] for i in row) for row in packed)


def _shared_out(lengths: Sequence[int], count: int) -> list[list[int]]:
    loads: list[tuple[int, int]] = [(0, number) for number in range(count)]
    found: list[list[int]] = [[] for _ in range(count)]
    for place in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        load, number = heapq.heappop(loads)
        found[number].append(place)
        heapq.heappush(loads, (load + lengths[place], number))
    return found
