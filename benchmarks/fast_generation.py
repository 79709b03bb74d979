"""How much faster generation is with casts that are kept, caches that grow and fused attention, side by side.

    python -m benchmarks.fast_generation [--method full] [--repeats 3] [--rows 48] [--prompt 200] [--equal]

An untrained SmolLM2 with the method on it reads `rows` prompts of up to `prompt` pieces and adds `pieces` to each, in
turns with and without; where it says that the texts are the same, they are so piece by piece. Prompts have different
lengths, as in most batches: with --equal they have one, and torch's fused kernel is then slow on a CPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch

from pefbench.models.patches.generation import cast_once, fast_search, growing_caches
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

RECIPES = PROJECT / "recipes"
FIRST_WORD = 1000
"""Pieces before it are special tokens and single bytes."""


def main() -> None:
    """Time rounds of plain and faster generation and print the ratios and their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["full", "lora", "bottleneck", "prefix"], default="lora")
    for name, default in (("repeats", 3), ("rows", 48), ("prompt", 200), ("pieces", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--equal", action="store_true")
    parsed = parser.parse_args()
    recipe = load_recipe(RECIPES / "summarization.yaml", method=parsed.method)
    devices.set_threads(recipe.train.threads)
    ready = prepare(recipe, Phases(), ["train"])
    model: Any = build.with_method(ready, build.pretrained(ready)).eval()
    given = torch.randint(
        FIRST_WORD, model.config.vocab_size, (parsed.rows, parsed.prompt), generator=torch.Generator().manual_seed(0)
    )
    mask = torch.ones_like(given)
    for row in range(0 if parsed.equal else parsed.rows):
        mask[row, : row * parsed.prompt // (2 * parsed.rows)] = 0
    sides: dict[str, list[Callable[[Any], Any]]] = {
        "plain": [],
        "casts and caches": [cast_once, lambda _: growing_caches()],
        "all": [fast_search],
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    texts: dict[str, torch.Tensor] = {}
    for repeat in range(parsed.repeats + 1):
        for name in sorted(sides, reverse=bool(repeat % 2)):
            texts[name], seconds = timed(model, given, mask, parsed.pieces, sides[name])
            if repeat:  # the first is a warm-up
                taken[name].append(seconds)
    for name in list(sides)[1:]:
        ratios = [slow / fast for slow, fast in zip(taken["plain"], taken[name], strict=True)]
        same = int((texts[name] == texts["plain"]).all(dim=1).sum())
        print(
            f"{name}: {statistics.median(taken[name]):.1f} s for {statistics.median(taken['plain']):.1f} s, "
            f"{statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"{same} of {parsed.rows} texts the same"
        )


def timed(
    model: Any, given: torch.Tensor, mask: torch.Tensor, pieces: int, inside: list[Callable[[Any], Any]]
) -> tuple[Any, float]:
    """The texts, (rows, prompt + tokens), and the seconds that generating them took."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(torch.autocast(given.device.type, torch.bfloat16))
        for each in inside:
            stack.enter_context(each(model))
        started = time.perf_counter()
        found = model.generate(
            input_ids=given,
            attention_mask=mask,
            max_new_tokens=pieces,
            min_new_tokens=pieces,
            do_sample=False,
        )
        return found, time.perf_counter() - started


if __name__ == "__main__":
    main()
