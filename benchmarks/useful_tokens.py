"""The share of computed tokens that are not padding, in training and evaluation of recipes with short texts.

    python -m benchmarks.useful_tokens [--epochs 5]

Counted on the actual batches of the recipes, so it needs no repeats. Goals: .92 for short texts, .97 packed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from benchmarks import _table
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe
from pefbench.trial import packing
from pefbench.trial.batching import epoch_batches, sorted_batches
from pefbench.trial.fast_paths import fits_batches
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from pefbench.heads import Encoded
    from pefbench.trial.batching import Indices

    Lengths = np.ndarray[Any, np.dtype[np.int64]]

RECIPES = (("ner", ()), ("topic", ()), ("intent", ()), ("dialogue", ()), ("dialogue", ("train.packing=true",)))
SHORT, PACKED = 0.92, 0.97


def main() -> None:
    """Count, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    epochs = parser.parse_args().epochs
    rows = [row(name, overrides, epochs) for name, overrides in RECIPES]
    header = ["Recipe", "Batch", "Training", "Evaluation, fixed batches", "fitted", "Goal"]
    _table.write("useful tokens", header, rows, f"python -m benchmarks.useful_tokens --epochs {epochs}")


def row(name: str, overrides: Iterable[str], epochs: int) -> list[str]:
    """One recipe's shares of useful tokens."""
    recipe = load_recipe(PROJECT / "recipes" / f"{name}.yaml", list(overrides), "lora")
    prepared = prepare(recipe, Phases(), ["train", "test"])
    settings, encoded, test = prepared.recipe.train, prepared.encoded["train"], prepared.encoded["test"]
    batches = [
        batch
        for epoch in range(epochs)
        for batch in epoch_batches(encoded.lengths, settings.batch_size, seed=settings.seed, epoch=epoch)
    ]
    lengths = prepared.head.prediction_lengths(test)
    size = prepared.recipe.evaluate.batch_size
    train, goal = useful(encoded, batches, packed=settings.packing), PACKED if settings.packing else SHORT
    said = f"{name}{', packed' if settings.packing else ''}"
    fixed, fitted = (
        lengths.sum() / computed(lengths, sorted_batches(lengths, size, fitted=fitted)) for fitted in (False, True)
    )
    taken = f"{fitted:.3f}" if fits_batches(prepared.recipe, prepared.head, "cpu") else "not taken"
    return [said, str(settings.batch_size), f"{train:.3f}", f"{fixed:.3f}", taken, f"{goal:.2f}"]


def computed(lengths: Lengths, batches: list[Indices]) -> int:
    """The number of tokens in these batches, including padding."""
    return sum(len(batch) * int(lengths[batch].max()) for batch in batches)


def useful(encoded: Encoded, batches: list[Indices], *, packed: bool) -> float:
    """The share of tokens in these batches that are not padding."""
    taken = 0
    for batch in batches:
        if packed:
            taken += packing.size(encoded.lengths[batch].tolist())
        else:
            taken += len(encoded.rows_of(batch)) * int(encoded.lengths[batch].max())
    return sum(int(encoded.tokens[batch].sum()) for batch in batches) / taken


if __name__ == "__main__":
    main()
