"""LoRA and what is saved as such: rsLoRA, LoRA+, PiSSA, OLoRA. Not DoRA, and no other variant of PEFT's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module, flat, unusual

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

KNOWN = {"r", "lora_alpha", "use_rslora", "init_lora_weights", "lora_dropout", "target_modules", "fan_in_fan_out"} | {
    "bias",
    "peft_type",
    "peft_version",
    "task_type",
    "modules_to_save",
    "inference_mode",
    "base_model_name_or_path",
    "revision",
    "auto_mapping",
}
PLAIN = (True, False, "gaussian", "orthogonal", "mica")
"""Inits that leave the pretrained weights as they are."""


class LowRank(Part):
    """y <- y + s (x A') B' (Hu et al. 2022, arXiv:2106.09685, equation 3); a (rank, in), b (out, rank)."""

    def __init__(self, a: Tensor, b: Tensor, scale: float) -> None:
        self.a, self.b, self.scale = a, b, scale

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Add the product."""
        down = flat(x.to(self.a.dtype)) @ self.a.T
        flat(y).addmm_(down, self.b.T, alpha=self.scale)


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:
    """A product for each adapted layer. Raises Unmixed for a variant."""
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
