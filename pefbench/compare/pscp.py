"""One number for quality and costs together, for those who must have one; methods are never ordered by it.

Belanec et al., "PEFT-Bench: A Parameter-Efficient Fine-Tuning Methods Benchmark" (2025, arXiv:2511.21285): the score
times (1 + cost / constant)^-beta for each of three costs. Theirs are trainable parameters, floating-point operations of
inference and memory of training. Here inference is measured in seconds. The constants, which decide what a cost weighs,
are the comparison file's, and stand beside the scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.compare.file import Pscp
    from pefbench.results.verdict_schema import Costs


def pscp(value: float, costs: Costs, constants: Pscp) -> float | None:
    """The composite score of a test value, higher being better; None where a cost was not measured."""
    seconds = costs.get("inference_seconds_per_1000")
    memory = costs["peak_memory_bytes"].get("train")
    if seconds is None or memory is None:
        return None
    penalties = (
        (costs["trainable_parameters"] / constants.parameters, constants.beta_parameters),
        (seconds / constants.seconds_per_1000, constants.beta_seconds),
        (memory / constants.memory_bytes, constants.beta_memory),
    )
    for cost, beta in penalties:
        value *= (1 + cost) ** -beta
    return value
