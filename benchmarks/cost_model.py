"""Predicts the costs of a comparison from its size: memory, disk, bytes to the store, time; and checks them on results.

``python -m benchmarks.cost_model [RESULTS]`` prints the table in docs/concepts/cost-model.md. For a folder of results,
or a store, it also prints how far the model is off. For a comparison it predicts time as well: the first tuning and
final trial of each method predict all others and the wall-clock time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench.results.address import place_at
from pefbench.results.store import load_results, read_result, readable
from pefbench.trial.folder import needed_bytes

if TYPE_CHECKING:
    from pefbench.results.schema import Result
    from pefbench.results.store import Stored

RECORD, POINT = 19_000, 150
"""Bytes of a result without its curve, and of one point of it."""
POINTS = 60
ROW = 400
"""Bytes of one prediction, with the beginning of its prompt."""
TOKENIZER = 2_000_000
"""Bytes beside the saved weights: tokenizer, configuration, card."""


@dataclass(frozen=True)
class Size:
    """A model's size and trained weights. bytes_a_weight: of frozen weights: 4 in fp32, 2 in bf16, .55 in NF4."""

    name: str
    weights: float
    trained: float
    bytes_a_weight: float


SIZES = (
    Size("MiniLM, LoRA", 22.7e6, 0.35e6, 4),
    Size("1B, LoRA, bf16", 1.2e9, 11e6, 2),
    Size("8B, LoRA, NF4", 8e9, 42e6, 0.55),
    Size("70B, LoRA, NF4", 70e9, 207e6, 0.55),
)


def memory(size: Size) -> float:
    """Bytes of weights, gradients and moments in training, without activations, which depend on batch and length."""
    return size.weights * size.bytes_a_weight + size.trained * 16


def stored(trained: float, examples: int) -> float:
    """Bytes that a final trial sends to the store: its weights in fp32, its predictions, its result."""
    return trained * 4 + TOKENIZER + examples * ROW + RECORD + POINTS * POINT


def tuned() -> float:
    """Bytes that a tuning trial sends to the store: its result."""
    return RECORD + POINTS * POINT


def seconds(trials: int, slots: int, start: float, training: float, after: float) -> float:
    """Wall-clock time of `trials` trials, `slots` at once; the last round may not be full."""
    return -(-trials // slots) * (start + training + after)


def table(examples: int = 2_000, finals: float = 0.5) -> str:
    """The table. finals: share of trials that are scored on test and keep their model."""
    rows = []
    for size in SIZES:
        sums = [n * (finals * stored(size.trained, examples) + (1 - finals) * tuned()) for n in (1, 100, 1000)]
        disk = needed_bytes(round(size.trained))
        rows.append([size.name, readable(memory(size), "B"), readable(disk, "B"), *(readable(n, "B") for n in sums)])
    headers = ["", "memory, without activations", "disk while a trial runs", "store: 1 trial", "100", "1,000"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def measured(results: list[Stored]) -> str:
    """The smallest and largest ratio of predicted to measured bytes, over results that kept their model."""
    quotients = []
    for each in results:
        folder = each.path.with_suffix("")
        files = [each.path, *(file for file in folder.rglob("*") if file.is_file())]
        trained = each.result["model"].get("trainable_parameters")
        if trained is None or len(files) == 1:
            continue
        there = sum(file.stat().st_size for file in files)
        tokenizer = sum(file.stat().st_size for file in files if file.suffix == ".json" and file != each.path)
        examples = each.result["data"]["splits"]["test"]["examples"]
        quotients.append((stored(trained, examples) - TOKENIZER + tokenizer) / there)
    if not quotients:
        return "no result kept its model"
    return f"{len(quotients)} trials: predicted / measured bytes {min(quotients):.2f} to {max(quotients):.2f}"


def timed(results: list[Result]) -> str:
    """Ratio of predicted to measured wall-clock time of a comparison, from the first trial of each method and stage."""
    trials = sorted((_trial(each) for each in results if each["status"] == "finished"), key=lambda one: one.began)
    if not trials:
        return "no finished trials"
    first: dict[tuple[str, bool], float] = {}
    for one in trials:
        first.setdefault(one.kind, one.seconds)
    slots = max(sum(other.began <= one.began < other.ended for other in trials) for one in trials)
    predicted = 0.0
    for tested in (False, True):
        stage = [first[one.kind] for one in trials if one.kind[1] == tested]
        predicted += seconds(len(stage), slots, 0, sum(stage) / max(1, len(stage)), 0)
    wall = max(one.ended for one in trials) - trials[0].began
    quotients = sorted(first[one.kind] / max(1.0, one.seconds) for one in trials)
    return (
        f"{len(trials)} trials, {slots} at once, from {len(first)} of them: {predicted:,.0f} s predicted, "
        f"{wall:,.0f} s measured, {predicted / wall:.2f}; a trial {quotients[0]:.2f} to {quotients[-1]:.2f}"
    )


@dataclass(frozen=True)
class Timed:
    """A trial of a comparison. kind: its method, and whether it was tested. began, ended: seconds since the epoch."""

    kind: tuple[str, bool]
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """Duration from its first import to its last file."""
        return self.ended - self.began


def _trial(result: Result) -> Timed:
    began, ended = (datetime.fromisoformat(result["provenance"][end]).timestamp() for end in ("started", "finished"))
    return Timed((str(result["recipe"]["method"]["name"]), "test" in result["metrics"]), began, ended)


def main(arguments: list[str]) -> None:
    """Print the table, or compare the model with results."""
    if not arguments:
        print(table())
        return
    place = place_at(arguments[0])
    place.pull()
    print(measured(load_results(place.folder).results))
    print(timed([read_result(path) for path in sorted(place.folder.rglob("?" * 12 + ".json"))]))


if __name__ == "__main__":
    main(sys.argv[1:])
