"""PSCP: quality and costs in one number, for users who need one. Methods are never ranked by it.

Belanec et al., "PEFT-Bench: A Parameter-Efficient Fine-Tuning Methods Benchmark" (2025, arXiv:2511.21285): the score
times (1 + cost / constant)^-beta for each of three costs. The paper's costs are trainable parameters, floating-point
operations of inference and training memory. Here inference is measured in seconds. The constants determine the weight
of each cost; the comparison file sets them, and the verdict stores them beside the scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.compare.file import Pscp
    from pefbench.results.verdict_schema import Costs


def pscp(value: float, costs: Costs, constants: Pscp) -> float | None:
    """The composite score of a test value; higher is better. None if a cost was not measured."""
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
