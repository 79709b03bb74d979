"""How long prediction takes: with the method in place and, if PEFT supports it, merged into the model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.methods import Method
    from pefbench.results.schema import Inference

    Timed = tuple[list[Any], float]
    """Answers, one for each example, and the seconds that they took."""


def measure(adapted: Timed, merged: Timed | None, same: Callable[[Any, Any], bool], processes: int) -> Inference:
    """The result's `inference`. same: whether two answers to one example agree."""
    answers, seconds = adapted
    found: Inference = {
        "seconds_per_1000": 1000 * seconds / len(answers),
        "merged_seconds_per_1000": None,
        "merged_same": None,
        "processes": processes,
    }
    if merged is not None:
        after, took = merged
        found["merged_seconds_per_1000"] = 1000 * took / len(after)
        found["merged_same"] = _fraction_same(answers, after, same)
    return found


def merge(model: Any, method: Method) -> bool:
    """Merge what the method trained into the model, in place; return whether this was possible.

    It is not if the method does not support merging, if the weights are quantised or have a stacked adapter, or if PEFT
    refuses. Do not save the model afterwards: its own weights have changed.
    """
    from pefbench.models.architecture import unwrap
    from pefbench.models.linear_layers import is_quantised
    from pefbench.models.stacked import layers

    if not method.merges or not hasattr(model, "merge_adapter") or layers(model):
        return False
    if any(is_quantised(module) for module in unwrap(model).modules()):
        return False
    try:
        model.merge_adapter()
    except (ValueError, NotImplementedError):
        return False
    return True


def _fraction_same(before: Sequence[Any], after: Sequence[Any], same: Callable[[Any, Any], bool]) -> float:
    return sum(same(one, other) for one, other in zip(before, after, strict=True)) / len(before)
