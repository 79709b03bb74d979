"""Compares training time and memory, by ratio, on equal machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.checks.model import PEAK_MEMORY, ROUNDING, THROUGHPUT, TRAIN_TIME, Finding
from pefbench.analysis.tables import readable_seconds
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pefbench.analysis.checks.model import Tolerances, Verdict
    from pefbench.results.schema import Result


def costs(trial: str, old: Result, new: Result, tolerances: Tolerances) -> Iterator[Finding]:
    """A finding on time and one on memory. If the number of training tokens differs, time per token is compared."""
    before, now = old["phases"]["train"], new["phases"]["train"]
    machine = _differences(old, new, ("cpu", "threads", "gpu", "processes", "precision"))
    if before["tokens"] == now["tokens"]:
        subject, values = TRAIN_TIME, (before["seconds"], now["seconds"])
    else:
        subject = THROUGHPUT
        values = (_per_token(before["tokens_per_second"]), _per_token(now["tokens_per_second"]))
    spell = readable_seconds if subject == TRAIN_TIME else _tokens_per_second
    yield _cost(trial, subject, values, spell, ratio=tolerances.time_ratio, differences=machine)
    yield _cost(
        trial,
        PEAK_MEMORY,
        (before["peak_memory_bytes"], now["peak_memory_bytes"]),
        lambda size: readable(size, "B"),
        ratio=tolerances.memory_ratio,
        differences=_differences(old, new, ("gpu", "processes", "precision")),
    )


def _per_token(tokens_per_second: float) -> float:
    return 1 / tokens_per_second if tokens_per_second > 0 else 0.0


def _tokens_per_second(seconds_per_token: float) -> str:
    return f"{readable(1 / seconds_per_token)} tokens/s" if seconds_per_token > 0 else "not measured"


def _cost(
    trial: str,
    subject: str,
    values: tuple[float, float],
    spell: Callable[[float], str],
    *,
    ratio: float,
    differences: str,
) -> Finding:
    before, now = values
    was, is_now = spell(before), spell(now)
    verdict: Verdict
    if differences or not (before > 0 and now > 0):
        verdict, message = "not compared", f"{subject} not compared: {differences or 'it was not measured'}"
    elif now > before * ratio * (1 + ROUNDING):
        verdict, message = "worse", f"{subject} is {is_now}, was {was} ({now / before:.2f}x, at most {ratio:g}x)"
    elif now * ratio * (1 + ROUNDING) < before:
        verdict, message = "better", f"{subject} is {is_now}, was {was} ({now / before:.2f}x)"
    else:
        verdict, message = "same", ""
    return Finding(trial, subject, was, is_now, verdict, message)


def _differences(old: Result, new: Result, names: Sequence[str]) -> str:
    """The differences between the machines of two results, in words; empty if there are none."""
    before, now = _machine(old), _machine(new)
    return ", ".join(f"{name} is {now[name]}, was {before[name]}" for name in names if now[name] != before[name])


def _machine(result: Result) -> dict[str, object]:
    provenance = result["provenance"]
    own = {"processes": provenance["world_size"], "precision": provenance["precision"]}
    return {**provenance["hardware"], **own}
