"""Has anything got worse than the baseline: metrics, training time, peak memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pefbench.errors import UserError, suggest
from pefbench.results import newest, readable
from pefbench.tables import readable_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pefbench.results import Stored
    from pefbench.schema import Metric, Result

# "not compared" is a note: the trial still counts, its timing cannot. "not comparable" is a failure.
Verdict = Literal["same", "better", "worse", "missing", "failed", "not comparable", "not compared", "new"]
_COMPARED = frozenset({"same", "better", "worse"})
_FAILURES = frozenset({"worse", "missing", "failed", "not comparable"})
TRIAL, TRAIN_TIME, PEAK_MEMORY = "trial", "train time", "peak memory"
# Keeps a difference of exactly the tolerance from failing by the rounding of floats.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Tolerances:
    """How much worse is still the same. Raises UserError for a tolerance that makes no sense."""

    metric: float = 0.01
    """Absolute, in the metric's own unit, for every metric that `metrics` does not name."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Absolute, by the name of the metric."""

    time_ratio: float = 1.5
    """Training may take so many times the baseline's seconds."""

    memory_ratio: float = 1.2
    """Peak memory in training may be so many times the baseline's bytes."""

    def __post_init__(self) -> None:
        for name, value in {"other metrics": self.metric, **self.metrics}.items():
            if not (math.isfinite(value) and value >= 0):
                raise UserError(f"the tolerance of {name} is {value}; it should be a number from 0 up")
        for name, value in {"time": self.time_ratio, "memory": self.memory_ratio}.items():
            if not (math.isfinite(value) and value >= 1):
                raise UserError(f"the {name} ratio is {value}; it should be a number from 1 up")


@dataclass(frozen=True)
class Finding:
    """One comparison of a trial with its baseline."""

    trial: str
    """Recipe and id."""

    subject: str
    """A metric's name, "train time", "peak memory", or "trial" for the trial as a whole."""

    baseline: str
    """Readable value, empty where there is none."""

    now: str
    """Readable value, empty where there is none."""

    verdict: Verdict

    message: str = ""
    """What is wrong or worth knowing, in one line; empty for "same"."""

    @property
    def is_failure(self) -> bool:
        """Whether this makes `pefbench check` exit with 1."""
        return self.verdict in _FAILURES


def check(results: Sequence[Stored], baseline: Sequence[Stored], tolerances: Tolerances) -> list[Finding]:
    """Compare each trial of the baseline with the newest result of the same id.

    Test metrics, training time and peak memory in training are compared. Having nothing to compare is a failure.
    Raises UserError when a tolerance names a metric that no baseline trial has.
    """
    now = {stored.result["id"]: stored.result for stored in newest(results)[0]}
    before = {stored.result["id"]: stored.result for stored in newest(baseline)[0]}
    _refuse_unknown_metrics(tolerances, before.values())
    findings = [finding for key, old in before.items() for finding in _trial(old, now.get(key), tolerances)]
    findings += [
        Finding(_name(result), TRIAL, "", result["status"], "new", "no baseline for this trial")
        for key, result in now.items()
        if key not in before
    ]
    if not any(
        finding.subject not in {TRIAL, TRAIN_TIME, PEAK_MEMORY} and finding.verdict in _COMPARED for finding in findings
    ):
        nothing = "no trial could be compared with the baseline"
        findings.append(Finding("all", TRIAL, "", "", "not comparable", nothing))
    return findings


def render(findings: Sequence[Finding]) -> str:
    """Return the findings as a table, then what failed, then notes, then the verdict; no newline at the end."""
    from tabulate import tabulate

    body = [[each.trial, each.subject, each.baseline, each.now, each.verdict] for each in findings]
    align = ["left", "left", "right", "right", "left"]
    titles = ["trial", "metric", "baseline", "now", "verdict"]
    parts = [tabulate(body, titles, tablefmt="simple", colalign=align, disable_numparse=True)] if body else []
    failures = [each for each in findings if each.is_failure]
    notes = [each for each in findings if each.message and not each.is_failure]
    lines = [f"failure: {each.trial}: {each.message}" for each in failures]
    lines += [f"note: {each.trial}: {each.message}" for each in notes]
    verdict = f"check failed: {len(failures)} of {len(findings)}" if failures else f"check passed: {len(findings)}"
    return "\n\n".join([*parts, "\n".join([*lines, f"{verdict} comparisons"])])


def _refuse_unknown_metrics(tolerances: Tolerances, baseline: Iterable[Result]) -> None:
    known = {name for result in baseline for name in result.get("metrics", {}).get("test", {})}
    for name in tolerances.metrics:
        if name not in known:
            raise UserError(f"tolerance for {name!r}, which no baseline trial measures; {suggest(name, known)}")


def _name(result: Result) -> str:
    return f"{result['recipe']['name']} {result['id']}"


def _trial(old: Result, new: Result | None, tolerances: Tolerances) -> Iterator[Finding]:
    name = _name(old)
    if obstacle := _obstacle(old, new):
        yield Finding(name, TRIAL, old["status"], new["status"] if new else "", *obstacle)
    elif new is not None:
        yield from _metrics(name, old, new, tolerances)
        yield from _costs(name, old, new, tolerances)


def _obstacle(old: Result, new: Result | None) -> tuple[Verdict, str] | None:
    """Return why two results cannot be compared at all."""
    if new is None:
        return "missing", "no result with this id (a changed recipe or data set has another id)"
    if new["status"] == "failed":
        return "failed", f"failed: {new['error'] or 'no reason recorded'}"
    if old["status"] == "failed":
        return "better", "finished now, failed in the baseline"
    if old["data"]["fingerprint"] != new["data"]["fingerprint"]:
        return "not comparable", "not comparable: the data's fingerprint differs"
    if old["model"]["fingerprint"] != new["model"]["fingerprint"]:
        return "not comparable", "not comparable: the base model's fingerprint differs"
    return None


def _metrics(trial: str, old: Result, new: Result, tolerances: Tolerances) -> Iterator[Finding]:
    for name, before in old["metrics"]["test"].items():
        now = new["metrics"]["test"].get(name)
        if now is None:
            yield Finding(trial, name, f"{before['value']:.4f}", "", "missing", f"{name} is missing on test")
        else:
            verdict, message = _compare(name, before, now, tolerances.metrics.get(name, tolerances.metric))
            yield Finding(trial, name, f"{before['value']:.4f}", f"{now['value']:.4f}", verdict, message)


def _compare(name: str, before: Metric, now: Metric, tolerance: float) -> tuple[Verdict, str]:
    if before["signature"] != now["signature"]:
        return "not comparable", f"{name} is not comparable: signature {now['signature']}, was {before['signature']}"
    gain = now["value"] - before["value"] if before["higher_is_better"] else before["value"] - now["value"]
    change = f"{name} is {now['value']:.4f}, was {before['value']:.4f} (tolerance {tolerance:g})"
    if gain < -tolerance - _ROUNDING:
        return "worse", change
    return ("better", change) if gain > tolerance + _ROUNDING else ("same", "")


def _costs(trial: str, old: Result, new: Result, tolerances: Tolerances) -> Iterator[Finding]:
    before, now = old["phases"]["train"], new["phases"]["train"]
    yield _cost(
        trial,
        TRAIN_TIME,
        (before["seconds"], now["seconds"]),
        readable_seconds,
        ratio=tolerances.time_ratio,
        differences=_differences(old, new, ("cpu", "threads", "gpu", "processes", "precision")),
    )
    yield _cost(
        trial,
        PEAK_MEMORY,
        (before["peak_memory_bytes"], now["peak_memory_bytes"]),
        lambda size: readable(size, "B"),
        ratio=tolerances.memory_ratio,
        differences=_differences(old, new, ("gpu", "processes", "precision")),
    )


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
    elif now > before * ratio * (1 + _ROUNDING):
        verdict, message = "worse", f"{subject} is {is_now}, was {was} ({now / before:.2f}x, at most {ratio:g}x)"
    elif now * ratio * (1 + _ROUNDING) < before:
        verdict, message = "better", f"{subject} is {is_now}, was {was} ({now / before:.2f}x)"
    else:
        verdict, message = "same", ""
    return Finding(trial, subject, was, is_now, verdict, message)


def _differences(old: Result, new: Result, names: Sequence[str]) -> str:
    """Return what differs between the machines of two results, in words; empty when nothing does."""
    before, now = _machine(old), _machine(new)
    return ", ".join(f"{name} is {now[name]}, was {before[name]}" for name in names if now[name] != before[name])


def _machine(result: Result) -> dict[str, object]:
    provenance = result["provenance"]
    own = {"processes": provenance["world_size"], "precision": provenance["precision"]}
    return {**provenance["hardware"], **own}
