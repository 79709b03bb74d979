"""Prediction time with batches fitted to the texts, compared with batches of a fixed size; alternating.

    python -m benchmarks.fitted_batches [--repeats 5] [--recipes ner topic intent dialogue]

The untrained model predicts the test split in one process. "Answered alike" counts examples with the same answer: the
two pad differently, so sums are rounded differently.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from benchmarks import _table
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices
from pefbench.trial.batching import sorted_batches
from pefbench.trial.phases import Phases
from pefbench.trial.predict import predict
from pefbench.trial.prepare import prepare

if TYPE_CHECKING:
    from pefbench.trial.prepare import Prepared

RECIPES = ("ner", "topic", "intent", "dialogue")


def main() -> None:
    """Alternate, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parsed = parser.parse_args()
    rows = [row(name, parsed.repeats) for name in parsed.recipes]
    header = ["Recipe", "Batches, fixed", "fitted", "Seconds, fitted / fixed", "Answered alike"]
    _table.write("fitted batches", header, rows, f"python -m benchmarks.fitted_batches --repeats {parsed.repeats}")


def row(name: str, repeats: int) -> list[str]:
    """One recipe's ratio of seconds."""
    recipe = load_recipe(PROJECT / "recipes" / f"{name}.yaml", [], "lora")
    devices.set_threads(recipe.train.threads)
    prepared = prepare(recipe, Phases())
    model: Any = build.with_method(prepared, build.pretrained(prepared))
    accelerator = devices.accelerator(prepared.recipe.train.precision)
    model = accelerator.prepare(model)
    ratios, alike = [], ""
    for repeat in range(repeats + 1):
        taken: dict[bool, float] = {}
        answers: dict[bool, list[Any]] = {}
        for fitted in sorted((False, True), reverse=bool(repeat % 2)):
            started = time.perf_counter()
            answers[fitted] = predict(
                model,
                prepared.encoded["test"],
                prepared.head,
                accelerator,
                batch_size=prepared.recipe.evaluate.batch_size,
                what="test",
                fitted=fitted,
            )
            taken[fitted] = time.perf_counter() - started
        if repeat:  # the first is a warm-up
            ratios.append(taken[True] / taken[False])
        same = sum(map(prepared.head.answers.same, answers[True], answers[False]))
        alike = f"{same} of {len(answers[True])}"
    counts = [batches(prepared, fitted=fitted) for fitted in (False, True)]
    return [name, *map(str, counts), _table.spread(ratios), alike]


def batches(prepared: Prepared, *, fitted: bool) -> int:
    """The number of batches of the test split."""
    lengths = prepared.head.prediction_lengths(prepared.encoded["test"])
    return len(sorted_batches(lengths, prepared.recipe.evaluate.batch_size, fitted=fitted))


if __name__ == "__main__":
    main()
