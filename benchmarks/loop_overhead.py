"""What pefbench's loop costs over bare forward, backward and step on the same batches, in one process, alternating.

    python benchmarks/loop_overhead.py [--repeats 5] [--precision bf16]

Both train the same LoRA model on the same padded batches for one epoch; the bare side has its tensors ready before the
clock starts. It clips gradients as the loop does, since that is part of the step, not of the loop.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pefbench import devices
from pefbench.batching import collate
from pefbench.cpu_kernels import fast_on_cpu
from pefbench.phases import Phases
from pefbench.preparing import prepare
from pefbench.recipe import load_recipe
from pefbench.training import Training

if TYPE_CHECKING:
    from pefbench.batching import Indices

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "lora_ner.yaml"


def main() -> None:
    """Time pairs of epochs and print the ratio of each and their median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parsed = parser.parse_args()
    training = make(parsed.precision)
    batches = [training._batch(step) for step in range(training.steps_an_epoch)]
    ready = [collate(training.encoded, batch) for batch in batches]
    ratios = []
    for repeat in range(parsed.repeats + 1):
        pair = {"loop": loop(training), "bare": bare(training, batches, ready)}
        if repeat:
            ratios.append(pair["loop"] / pair["bare"])
            print(f"loop {pair['loop']:.2f} s, bare {pair['bare']:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
    print(f"the loop takes {statistics.median(ratios):.3f}x the bare time ({min(ratios):.3f} to {max(ratios):.3f})")


def make(precision: str) -> Training:
    """Return a LoRA training run of one epoch."""
    ready = prepare(load_recipe(RECIPE, [f"train.precision={precision}", "train.epochs=1"]), Phases(), ["train"])
    model = ready.recipe.method.apply(ready.pretrained(), ready.form.task_type)
    ready.recipe.method.prepare(model)
    accelerator = devices.accelerator(ready.recipe.train.precision)
    folder = Path(tempfile.mkdtemp())
    encoded, settings = ready.encoded["train"], ready.recipe.train
    return Training(model, encoded, ready.form, settings, accelerator, checkpoint=folder / "c", belongs_to={})


def loop(training: Training) -> float:
    """Return the seconds of one epoch by the loop, without its checkpoint."""
    training.checkpoint.unlink(missing_ok=True)
    training.at = type(training.at)()
    return training.run().seconds


def bare(training: Training, batches: list[Indices], ready: list[dict[str, torch.Tensor]]) -> float:
    """Return the seconds of forward, backward and step on the same batches."""
    model, optimizer = training.model, training.optimizer
    started = time.perf_counter()
    with fast_on_cpu():
        for batch, tensors in zip(batches, ready, strict=True):
            logits = model(input_ids=tensors["input_ids"], attention_mask=tensors["attention_mask"]).logits
            loss = training.form.loss_sum(logits, tensors) / int(training.encoded.targets[batch].sum())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(training.trainable, training.settings.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
