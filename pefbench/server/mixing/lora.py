"""LoRA, and methods saved as LoRA: rsLoRA, LoRA+, PiSSA, OLoRA. Not DoRA or PEFT's other variants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module, unusual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

KNOWN = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "bias",
        "fan_in_fan_out",
        "inference_mode",
        "init_lora_weights",
        "lora_alpha",
        "lora_dropout",
        "modules_to_save",
        "peft_type",
        "peft_version",
        "r",
        "revision",
        "target_modules",
        "task_type",
        "use_rslora",
    }
)
PLAIN = (True, False, "gaussian", "orthogonal", "mica")
"""Initialisations that do not change the pretrained weights."""


class LowRank(Part):
    """y <- y + s (x A') B' (Hu et al. 2022, arXiv:2106.09685, equation 3); a (rank, in), b (out, rank)."""

    def __init__(self, a: Tensor, b: Tensor, scale: float) -> None:
        self.a, self.b, self.scale = a, b, scale
        self.group = (LowRank, len(a), scale)

    def together(self, members: Sequence[tuple[int, LowRank]]) -> Part:
        """The products of several adapters of the same rank and scale, as one part."""
        return _LowRanks(members, self.scale)


class _LowRanks(Part):
    """Low-rank products with one matrix per row of the batch: one call for all adapters.

    If a row has one token or a multiple of 16, its product is bitwise the same for any number of rows and threads.
    """

    def __init__(self, members: Sequence[tuple[int, LowRank]], scale: float) -> None:
        self.members, self.scale = members, scale

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Add the products."""
        a = _by_row([(rows, part.a) for rows, part in self.members])
        b = _by_row([(rows, part.b) for rows, part in self.members])
        x, y = (each.unsqueeze(1) if each.ndim == 2 else each for each in (x.to(a.dtype), y))
        y.baddbmm_(torch.bmm(x, a.mT), b.mT, alpha=self.scale)


def _by_row(weights: Sequence[tuple[int, Tensor]]) -> Tensor:
    """Each adapter's weights (n, m), repeated for each of its rows: (rows, n, m). No copies for a single adapter."""
    if len(weights) == 1:
        [(rows, weight)] = weights
        return weight.expand(rows, -1, -1)
    return torch.stack([weight for rows, weight in weights for _ in range(rows)])


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:
    """A low-rank product for each adapted layer. Raises Unmixed for a variant of LoRA."""
    from peft import LoraConfig

    if variants := unusual(config, LoraConfig(), KNOWN):
        raise Unmixed(f"its {variants[0]} is a variant of LoRA")
    if config.get("init_lora_weights", True) not in PLAIN or config.get("bias", "none") != "none":
        raise Unmixed("it changes the pretrained weights or biases")
    found: Parts = {}
    for name, mine in by_module(weights, ("lora_A.weight", "lora_B.weight")).items():
        place.module(name)
        a, b = mine["lora_A.weight"], mine["lora_B.weight"]
        rank = len(a)
        scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
        found[name] = LowRank(place.cast(a), place.cast(b), scale)
    return found
