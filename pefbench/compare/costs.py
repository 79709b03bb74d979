"""The costs of a method, measured in its own trials."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.compare.plan import Outcome
    from pefbench.results.schema import Phases, Result
    from pefbench.results.verdict_schema import Costs

BUSY = 0.9  # a process that got less than this share of one processor had to wait for others


def of(finals: Sequence[Outcome], tuning: Sequence[Outcome]) -> Costs:
    """The costs of a method whose final trials are all finished."""
    results = [each.result for each in finals if each.result]
    model, sizes = results[0]["model"], [result["model"]["adapter_bytes"] for result in results]
    return {
        "trainable_parameters": model["trainable_parameters"],
        "trainable_percent": model["trainable_percent"],
        "adapter_bytes": max((size for size in sizes if size is not None), default=None),  # AdaLoRA's vary by seed
        "train_seconds": fmean(result["phases"]["train"]["seconds"] for result in results),
        "train_processor_seconds": _mean([result["phases"]["train"].get("processor_seconds") for result in results]),
        "evaluate_seconds": fmean(result["phases"]["evaluate"]["seconds"] for result in results),
        "peak_memory_bytes": _peaks([result["phases"] for result in results]),
        "inference_seconds_per_1000": _mean([_inference(result, "seconds_per_1000") for result in results]),
        "merged_seconds_per_1000": _mean([_inference(result, "merged_seconds_per_1000") for result in results]),
        "tuning_seconds": sum(_trained(each.result) for each in tuning if each.result),
    }


def notes(costs: Costs) -> list[str]:
    """Warn if training shared the processor with other work: its wall-clock time is then not comparable."""
    wall, own = costs["train_seconds"], costs.get("train_processor_seconds")
    if own is None or own >= BUSY * wall:
        return []
    return [f"other processes slowed down training: it ran for {own:.1f} of {wall:.1f} seconds"]


def _inference(result: Result, name: str) -> float | None:
    measured: Any = result.get("inference", {})
    value: float | None = measured.get(name)
    return value


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if len(there) == len(values) else None


def _trained(result: Result) -> float:
    phases = result.get("phases", {})
    return phases["train"]["seconds"] if "train" in phases else 0.0


def _peaks(measured: Sequence[Phases]) -> dict[str, int]:
    peaks: dict[str, int] = {}
    for phases in measured:
        costs = {name: phases.get(name) for name in ("load", "tokenize", "train", "evaluate")}
        for name, cost in costs.items():
            if isinstance(cost, dict):
                peaks[name] = max(peaks.get(name, 0), cost["peak_memory_bytes"])
    return peaks
