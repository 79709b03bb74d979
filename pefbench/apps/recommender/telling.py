"""Prints the measurements as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench.apps.recommender.measuring import OURS
from pefbench.apps.recommender.quality import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.apps.recommender.measuring import Report
    from pefbench.apps.recommender.quality import Value

HEADS = ("", "HR@10", "NDCG@10", "MRR", "coverage", "popularity")


def lines(report: Report, tablefmt: str = "simple") -> Iterator[str]:
    """A table of all methods, the groups, and the verdicts by NDCG@10."""
    yield (
        f"test: {report['targets']:,} items that {report['users']:,} users took next, each ranked among all "
        f"{report['items']:,}; 95 % intervals over users"
    )
    rows = [
        (name, *(_told(found["metrics"][metric]) for metric in METRICS), f"{found['coverage']:.1%}",
         f"{found['popularity']:,.0f}")
        for name, found in report["methods"].items()
    ]  # fmt: skip
    yield tabulate(rows, HEADS, tablefmt=tablefmt)
    for group, methods in report["groups"].items():
        theirs = ", ".join(f"{name} {_told(found['hit_rate_at_10'])}" for name, found in methods.items())
        yield f"{group} ({report['sizes'][group]:,} of them), HR@10: {theirs}"
    for name, gain in report["gain"].items():
        yield f"{OURS} less {name}, NDCG@10: {_told(gain['ndcg_at_10'], '+.4f')}{_verdict(gain['ndcg_at_10'])}"


def _told(value: Value, written: str = ".3f") -> str:
    if value["low"] is None or value["high"] is None:
        return f"{value['value']:{written}}"
    return f"{value['value']:{written}} [{value['low']:{written}}, {value['high']:{written}}]"


def _verdict(gain: Value) -> str:
    if gain["low"] is not None and gain["low"] > 0:
        return ": better"
    return ": worse" if gain["high"] is not None and gain["high"] < 0 else ": not shown to differ"
