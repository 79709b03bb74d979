"""How much faster generation is than transformers' own, as a user would call it, and the contribution of each part.

    python -m benchmarks.fast_generation [--method full] [--repeats 5] [--rows 48] [--prompt 200] [--equal]
                                         [--processor-seconds]

An untrained SmolLM2 with the method reads `rows` prompts of up to `prompt` tokens and adds `pieces` tokens to each,
alternately with and without the faster code. Texts count as the same if they are equal token by token. Prompts have
different lengths, as in most batches; with --equal all have the same length, for which torch's fused kernel is slow on
a CPU.

`plain` is pefbench's model, in the best precision of the machine, generating with the library's own steps.
`transformers` is the pretrained model with PEFT's LoRA, both unchanged, in the dtype of its file; at batch 1 it answers
a few of the prompts, one by one. Goals: 2.5 times its tokens per second at the same batch size, 10 times at batch 1.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from benchmarks import _table
from pefbench.models.patches.generation import cast_once, fast_search, growing_caches
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECIPES = PROJECT / "recipes"
GOALS = {"transformers": "2.5", "transformers, batch 1": "10"}
SINGLE = 4
"""Prompts that are answered one at a time."""
FIRST_WORD = 1000
"""Token ids below it are special tokens and single bytes."""


def main() -> None:
    """Time rounds of plain and faster generation and print the ratios and their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["full", "lora", "bottleneck", "prefix"], default="lora")
    for name, default in (("repeats", 5), ("rows", 48), ("prompt", 200), ("pieces", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--equal", action="store_true")
    _table.add_clock(parser)
    parsed = parser.parse_args()
    clock = _table.clock(parsed)
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
    precision = ready.recipe.train.precision
    mixed = partial(torch.autocast, "cpu", torch.bfloat16) if precision == "bf16" else nullcontext  # as in a trial
    stock = stock_model(ready.base)
    taken: dict[str, list[float]] = {name: [] for name in (*sides, "transformers", "transformers, batch 1")}
    texts: dict[str, torch.Tensor] = {}
    for repeat in range(parsed.repeats + 1):
        seconds = {}
        for name in sorted(sides, reverse=bool(repeat % 2)):
            texts[name], seconds[name] = timed(
                clock, model, given, mask, parsed.pieces, [lambda _: mixed(), *sides[name]]
            )
        _, seconds["transformers"] = timed(clock, stock, given, mask, parsed.pieces, [])
        single = [
            timed(clock, stock, given[row : row + 1, mask[row].argmax() :], None, parsed.pieces, [])[1]
            for row in range(0, parsed.rows, max(1, parsed.rows // SINGLE))
        ]
        seconds["transformers, batch 1"] = parsed.rows * statistics.mean(single)
        for name, found in seconds.items():
            if repeat:  # the first is a warm-up
                taken[name].append(found)
    rows = []
    for name in [*taken][1:]:
        ours, theirs = ("all", name) if "transformers" in name else (name, "plain")
        ratios = [slow / fast for slow, fast in zip(taken[theirs], taken[ours], strict=True)]
        same = f"{int((texts[ours] == texts['plain']).all(dim=1).sum())} of {parsed.rows}" if theirs == "plain" else ""
        rows.append([ours, theirs, _table.spread(ratios), same, GOALS.get(theirs, "")])
    command = f"python -m benchmarks.fast_generation --method {parsed.method} --repeats {parsed.repeats}"
    command += f" --rows {parsed.rows} --prompt {parsed.prompt} --pieces {parsed.pieces}{_table.option(parsed)}"
    header = [f"Generation, {precision}", "Compared with", "Times as fast", "Texts the same", "Goal"]
    _table.write("generation", header, rows, command)


def stock_model(base: Path) -> Any:
    """The pretrained model with PEFT's LoRA on all its linear layers, both unchanged."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules="all-linear")
    return get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).eval()


def timed(
    clock: Callable[[], float],
    model: Any,
    given: torch.Tensor,
    mask: torch.Tensor | None,
    pieces: int,
    inside: list[Callable[[Any], Any]],
) -> tuple[Any, float]:
    """The texts, (rows, prompt + tokens), and the seconds that generating them took."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        for each in inside:
            stack.enter_context(each(model))
        started = clock()
        found = model.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given) if mask is None else mask,
            max_new_tokens=pieces,
            min_new_tokens=pieces,
            do_sample=False,
        )
        return found, clock() - started


if __name__ == "__main__":
    main()
