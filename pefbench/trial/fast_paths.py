"""The fast paths that a trial takes: faster ways to the same numbers, up to rounding.

They are chosen automatically and recorded in the result; `train.fast_paths: false` disables all. The module of each
explains what it does and why it is faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.models.cpu_kernels import onednn_linear
from pefbench.trial import forked_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from pefbench.heads import Head
    from pefbench.recipe import Recipe


def fits_batches(recipe: Recipe, head: Head, device: str) -> bool:
    """Whether prediction's batches are fitted to the texts: on a CPU, where an additional batch costs little.

    Not for generated texts: additional passes for each token take the time that less padding of prompts saves
    (`benchmarks.fitted_batches`).
    """
    return recipe.train.fast_paths and device == "cpu" and not head.generates


def taken(recipe: Recipe, head: Head, model: nn.Module, device: str) -> list[str]:
    """The names of the fast paths that a trial takes with this model. The recipe's precision must be resolved.

    fit_batches: see `batching`; fast_linear: `models.cpu_kernels`; fast_search: `models.patches.generation`;
    forked_check: `forked_check`; a method adds its own, such as fused_lora.
    """
    if not recipe.train.fast_paths:
        return []
    names: list[str] = [*recipe.method.fast_paths(model)]
    if fits_batches(recipe, head, device):
        names.append("fit_batches")
    if device == "cpu" and recipe.train.precision == "fp32" and onednn_linear is not None:
        names.append("fast_linear")
    if head.generates:
        names.append("fast_search")
    if forked_check.waits():
        names.append("forked_check")
    return sorted(names)


def batches_fitted(recorded: Sequence[str]) -> bool:
    """Whether the trial with these recorded fast paths fitted its batches."""
    return "fit_batches" in recorded
