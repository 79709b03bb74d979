"""`pefbench run` under DeepSpeed's ZeRO-3 against one process: losses, metrics, the saved weights, time and memory.

    python -m benchmarks.deepspeed RECIPE OUT [--processes 2] [-o train.max_examples=200] [-o model.dropout=0]

Runs the recipe once in one process and once by `accelerate launch` with recipes/accelerate/deepspeed_zero3.yaml, both
in fp32, and reports what differs. Losses are comparable only for models without dropout. Needs CUDA GPUs, or, to try
it, DS_ACCELERATOR=cpu with gloo.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from pefbench.paths import PROJECT, child_command, child_environment
from pefbench.results import store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.results.store import Stored

CONFIG = PROJECT / "recipes" / "accelerate" / "deepspeed_zero3.yaml"
TOLERANCE = 1e-3
"""Relative tolerance of losses and weights in fp32."""


def ran(out: Path, command: Sequence[object], arguments: Sequence[str], **environment: str) -> Stored:
    """Run a recipe; its result."""
    told = [*map(str, command), *arguments, "-o", "train.precision=fp32", "--out", str(out)]
    subprocess.run(told, check=True, env=child_environment() | environment)
    [stored] = store.load_results(out).results
    return stored


def differences(one: Stored, many: Stored) -> list[str]:
    """What differs between one process and several."""
    alone, sharded = one.result, many.result
    wrong = [key for key in ("id", "model", "metrics", "kept") if alone.get(key) != sharded.get(key)]
    losses = [[point["loss"] for point in result["curve"]] for result in (alone, sharded)]
    if not all(math.isclose(*pair, rel_tol=TOLERANCE) for pair in zip(*losses, strict=True)):
        wrong.append("losses")
    first, second = (load_file(next(each.path.with_suffix("").glob("model/*.safetensors"))) for each in (one, many))
    if {name: weight.shape for name, weight in first.items()} != {n: weight.shape for n, weight in second.items()}:
        return [*wrong, "names or shapes of the saved weights"]
    far = [name for name in first if not torch.allclose(first[name], second[name], rtol=TOLERANCE, atol=1e-4)]
    return wrong + [f"saved weights: {', '.join(far[:3])}"] * bool(far)


def main() -> None:
    """Run twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("-o", dest="override", action="append", default=[])
    parsed = parser.parse_args()
    arguments = ["run", parsed.recipe, *(part for each in parsed.override for part in ("-o", each))]
    launch = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--config_file", CONFIG]
    one = ran(parsed.out / "one", child_command(), arguments, CUDA_VISIBLE_DEVICES=_first_gpu())
    many = ran(parsed.out / "many", [*launch, "--num_processes", parsed.processes, "-m", "pefbench"], arguments)
    for name, stored in (("one process", one), (f"{parsed.processes} under ZeRO-3", many)):
        cost = stored.result["phases"]["train"]
        print(f"{name}: {cost['seconds']:.1f} s of training, {cost['peak_memory_bytes'] / 1e9:.2f} GB at its peak")
    if wrong := differences(one, many):
        raise SystemExit(f"{parsed.processes} processes under ZeRO-3 differ from one: {'; '.join(wrong)}")
    print(f"{parsed.processes} processes under ZeRO-3 train what one does, and save it whole")


def _first_gpu() -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


if __name__ == "__main__":
    main()
