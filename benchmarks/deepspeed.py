"""DeepSpeed's ZeRO-3 against one process: losses, trained weights, the saved adapter, a checkpoint. Needs CUDA GPUs.

    python -m benchmarks.deepspeed RECIPE OUT [--processes 2] [-o train.max_examples=200]

Trains the recipe's model once in one process and once by `accelerate launch` with
recipes/accelerate/deepspeed_zero3.yaml, both in fp32 with the same batches, and says what differs: the loss of each
step, the number of trained weights, the adapter's tensors, and the losses after a checkpoint of the trained weights
alone was read again. Models without dropout are the ones whose losses are comparable: -o model.dropout=0. Without CUDA
or DeepSpeed it says so in one line and does nothing. IT HAS NOT BEEN RUN YET: no machine with CUDA was at hand.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pefbench.paths import PROJECT, child_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

CONFIG = PROJECT / "recipes" / "accelerate" / "deepspeed_zero3.yaml"
LOSSES, ADAPTER = "losses.json", "adapter"
TOLERANCE = 1e-3
"""Relative, of losses and weights in fp32."""


class Run:
    """A model that is trained by accelerate, sharded by ZeRO-3 where the launcher asks for it."""

    def __init__(self, file: Path, overrides: Sequence[str]) -> None:
        from accelerate import Accelerator

        from pefbench.recipe import load_recipe
        from pefbench.trial import build
        from pefbench.trial.batching import Order
        from pefbench.trial.optimizer import make_optimizer
        from pefbench.trial.phases import Phases
        from pefbench.trial.prepare import prepare
        from pefbench.trial.schedule import total_steps

        recipe = load_recipe(file, [*overrides, "train.precision=fp32"])
        self.prepared = prepare(recipe, Phases(), ["train"])
        self.settings, self.head, self.encoded = recipe.train, self.prepared.head, self.prepared.encoded["train"]
        self.model: nn.Module = build.with_method(self.prepared, build.pretrained(self.prepared))
        self.trained = sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)
        self.accelerator = Accelerator(mixed_precision="no")
        plugin = self.accelerator.state.deepspeed_plugin
        self.sharded = plugin is not None
        if plugin is not None:  # what accelerate would read from a data loader, or take by default
            micro = self.settings.micro_batch_size or self.settings.batch_size
            plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = micro
            plugin.deepspeed_config["gradient_clipping"] = self.settings.max_grad_norm
        self.engine, self.optimizer = self.accelerator.prepare(
            self.model, make_optimizer(self.model, recipe.method, self.settings)
        )
        self.order = Order(self.encoded.lengths, self.settings.batch_size, seed=self.settings.seed)
        self.total = total_steps(self.settings, len(self.encoded))

    def step(self, number: int) -> float:
        """Take a step (from 0); its loss, the mean over the targets of the whole batch."""
        from pefbench.trial.optimizer import set_learning_rate
        from pefbench.trial.schedule import fraction_of_peak

        set_learning_rate(self.optimizer, fraction_of_peak(self.settings, number, self.total))
        batch, processes = self.order.batch(number), self.accelerator.num_processes
        targets = max(1, int(self.encoded.targets[batch].sum()))
        parts = self._parts(batch)
        whole = torch.zeros((), device=self.accelerator.device)
        for place, (part, weight) in enumerate(parts, 1):
            # DeepSpeed steps inside of `backward`, with the last micro-batch
            self.accelerator.gradient_state._set_sync_gradients(place == len(parts))
            loss = self.head.loss_sum(self.engine, self._tensors(part)) * (weight / targets)
            self.accelerator.backward(loss * processes)
            whole += loss.detach()
        if not self.sharded:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return float(self.accelerator.reduce(whole, reduction="sum"))

    def _parts(self, batch: Any) -> list[tuple[Any, float]]:
        """This process's micro-batches, as many as any other has: each gathers all layers together with the others."""
        from pefbench.trial.batching import share

        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        size = self.settings.micro_batch_size or len(batch)
        shares = [share(batch, each, processes) for each in (rank, 0)]
        mine, most = ([part[at : at + size] for at in range(0, len(part), size)] for part in shares)
        return [(part, 1.0) for part in mine] + [(batch[:1], 0.0)] * (len(most) - len(mine))

    def _tensors(self, part: Any) -> dict[str, Tensor]:
        from pefbench.trial.batching import collate

        return {name: tensor.to(self.accelerator.device) for name, tensor in collate(self.encoded, part).items()}

    def gathered(self) -> AbstractContextManager[None]:
        """The trained weights are whole inside, on all processes."""
        if not self.sharded:
            return nullcontext()
        weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        zero = importlib.import_module("deepspeed").zero
        context: AbstractContextManager[None] = zero.GatheredParameters(weights)
        return context

    def save(self, folder: Path) -> None:
        """Write the whole adapter, by the first process; the others take part in gathering it."""
        with self.gathered():
            if self.accelerator.is_main_process:
                held: Any = self.model
                held.save_pretrained(folder)
        self.accelerator.wait_for_everyone()

    def checkpoint(self, folder: Path) -> None:
        """Write trained weights and moments; each process its shard."""
        self.engine.save_checkpoint(str(folder), exclude_frozen_parameters=True)

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint, with as many processes as wrote it."""
        self.engine.load_checkpoint(str(folder), load_module_strict=False)


def train(parsed: argparse.Namespace, out: Path) -> None:
    """Train in this process, as one of those of the launcher; write losses and the adapter."""
    run = Run(parsed.recipe, parsed.override)
    half, losses, again = run.total // 2, [], []
    for number in range(run.total):
        if run.sharded and number == half:
            run.checkpoint(out / "checkpoint")
        losses.append(run.step(number))
    run.save(out / ADAPTER)
    if run.sharded:
        run.restore(out / "checkpoint")
        again = [run.step(number) for number in range(half, run.total)]
    if run.accelerator.is_main_process:
        told = {"trained": run.trained, "losses": losses, "again": again, "half": half}
        (out / LOSSES).write_text(json.dumps(told), encoding="utf8")


def compared(one: Path, many: Path) -> list[str]:
    """What differs between one process and several."""
    from safetensors.torch import load_file

    alone, sharded = (json.loads((out / LOSSES).read_text(encoding="utf8")) for out in (one, many))
    first, second = (load_file(out / ADAPTER / "adapter_model.safetensors") for out in (one, many))
    wrong = [] if alone["trained"] == sharded["trained"] else ["the number of trained weights"]
    wrong += ["losses"] * (not _close(alone["losses"], sharded["losses"]))
    wrong += ["losses after the checkpoint"] * (not _close(sharded["losses"][sharded["half"] :], sharded["again"]))
    shapes = [{name: tuple(weight.shape) for name, weight in each.items()} for each in (first, second)]
    if shapes[0] != shapes[1]:
        return [*wrong, "names or shapes of the saved weights"]
    far = [name for name in first if not torch.allclose(first[name], second[name], rtol=TOLERANCE, atol=1e-4)]
    return wrong + [f"saved weights: {', '.join(far[:3])}"] * bool(far)


def _close(first: Sequence[float], second: Sequence[float]) -> bool:
    return len(first) == len(second) and all(
        math.isclose(one, other, rel_tol=TOLERANCE) for one, other in zip(first, second, strict=True)
    )


def main() -> None:
    """Train twice, compare; or be one of the launcher's processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("-o", dest="override", action="append", default=[])
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("DeepSpeed needs a CUDA GPU, and there is none: nothing was tried")
    if importlib.util.find_spec("deepspeed") is None:
        raise SystemExit("DeepSpeed is not installed: pip install deepspeed; nothing was tried")
    if parsed.train:
        train(parsed, parsed.out)
        return
    overrides = [part for each in parsed.override for part in ("-o", each)]
    launch = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--config_file", str(CONFIG)]
    ways = {
        "one": [sys.executable, "-m", "benchmarks.deepspeed"],
        "many": [*launch, "--num_processes", str(parsed.processes), "-m", "benchmarks.deepspeed"],
    }
    for name, command in ways.items():
        out = parsed.out / name
        out.mkdir(parents=True, exist_ok=True)
        environment = child_environment() | ({"CUDA_VISIBLE_DEVICES": _first_gpu()} if name == "one" else {})
        subprocess.run([*command, str(parsed.recipe), str(out), "--train", *overrides], check=True, env=environment)
    wrong = compared(parsed.out / "one", parsed.out / "many")
    if wrong:
        raise SystemExit(f"{parsed.processes} processes under ZeRO-3 differ from one: {'; '.join(wrong)}")
    print(f"{parsed.processes} processes under ZeRO-3 train what one does, and save it whole")


def _first_gpu() -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


if __name__ == "__main__":
    main()
