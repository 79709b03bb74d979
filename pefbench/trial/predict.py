"""Predicts each example exactly once, over any number of processes, and gathers the answers."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object

from pefbench.progress import Progress
from pefbench.trial import out_of_memory, sharding
from pefbench.trial.batching import collate, sorted_batches
from pefbench.trial.fast_paths import fits_batches

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

    from pefbench.heads import Encoded, Head
    from pefbench.trial.batching import Indices
    from pefbench.trial.prepare import Prepared


@dataclass(frozen=True)
class Answered:
    """A split's answers, with a judge's ratings if there is a judge, and the seconds that the model took for them.

    head: the head that answered; from validation on, with the thresholds that it chooses on that split.
    """

    head: Head
    answers: list[Any]
    seconds: float


def answer(
    prepared: Prepared, split: str, model: nn.Module, accelerator: Accelerator, *, trains_on: bool = False
) -> Answered:
    """The answers to a split. trains_on: training continues afterwards."""
    head, examples, started = prepared.head, prepared.examples[split], time.perf_counter()
    with out_of_memory.told("predicting", prepared.recipe):
        found = predict(
            model,
            prepared.encoded[split],
            head,
            accelerator,
            batch_size=prepared.recipe.evaluate.batch_size,
            what=split,
            fitted=fits_batches(prepared.recipe, head, accelerator.device.type),
            trains_on=trains_on,
        )
    seconds = time.perf_counter() - started
    head = head.adjusted(found, examples) if split == "validation" else head
    return Answered(head, head.answers.judged(found, examples), seconds)


def predict(
    model: nn.Module,
    encoded: Encoded,
    head: Head,
    accelerator: Accelerator,
    *,
    batch_size: int,
    what: str,
    fitted: bool = False,
    trains_on: bool = False,
) -> list[Any]:
    """One answer per example, in the examples' order, the same on every process.

    fitted: batches are fitted to the texts, see `sorted_batches`. trains_on: as for `answer`.

    Processes get whole batches, so an example's padding does not depend on the number of processes.
    """
    batches = sorted_batches(head.prediction_lengths(encoded), batch_size, fitted=fitted)
    unwrapped, (mine, counted) = _ready(model, accelerator), _share(batches, head, accelerator)
    answers: list[tuple[int, Any]] = []
    progress = Progress(what, len(mine), enabled=accelerator.is_main_process, lasting=not trains_on)
    # Training could not use the tensors that a module makes, and caches, in the faster inference mode.
    sharded = sharding.over(accelerator)
    with torch.no_grad() if trains_on or sharded else torch.inference_mode(), progress:
        for number, batch in enumerate(mine):
            tensors = _tensors(encoded, batch, accelerator)
            chosen = [int(i) for i in batch]
            with accelerator.autocast():  # generating bypasses the forward pass that accelerate wraps
                found = head.predict(unwrapped, tensors, [encoded.decoding[i] for i in chosen])
            answers += zip(chosen, found, strict=True) if number < counted else ()
            progress.step()
    return _in_order(gather_object(answers), len(encoded))


@torch.no_grad()
def mean_loss(model: nn.Module, encoded: Encoded, head: Head, accelerator: Accelerator, *, batch_size: int) -> float:
    """The mean loss over the targets of a split, the same on every process."""
    unwrapped, losses = _ready(model, accelerator), list[float]()
    mine, counted = _share(sorted_batches(encoded.lengths, batch_size), head, accelerator)
    for batch in mine:
        losses.append(float(head.loss_sum(unwrapped, _tensors(encoded, batch, accelerator))))
    return math.fsum(gather_object(losses[:counted])) / max(1, int(encoded.targets.sum()))


def _ready(model: nn.Module, accelerator: Accelerator) -> nn.Module:
    """The model, ready to predict, without DDP's forward pass, which would wait for processes without a batch."""
    unwrapped: nn.Module = accelerator.unwrap_model(model, keep_fp32_wrapper=True)
    return unwrapped.eval()


def _share(batches: list[Indices], head: Head, accelerator: Accelerator) -> tuple[list[Indices], int]:
    """This process's batches of a split, and how many of them count: the first ones.

    With sharded weights all processes call the model equally often; a process that has no batch left repeats another's.
    Generation takes as many calls as the longest text has tokens, so all processes generate the same texts.
    """
    rank, processes = accelerator.process_index, accelerator.num_processes
    mine = batches[rank::processes]
    if not sharding.over(accelerator):
        return mine, len(mine)
    if head.generates:
        return batches, len(batches) if rank == 0 else 0
    return mine + batches[:1] * (math.ceil(len(batches) / processes) - len(mine)), len(mine)


def _tensors(encoded: Encoded, batch: Indices, accelerator: Accelerator) -> dict[str, Tensor]:
    return {name: tensor.to(accelerator.device) for name, tensor in collate(encoded, batch).items()}


def _in_order(answers: list[tuple[int, Any]], examples: int) -> list[Any]:
    """Sort gathered answers. Each example must occur once, or every number computed from them would be wrong."""
    ordered = dict(answers)
    if len(answers) != examples or ordered.keys() != set(range(examples)):
        raise RuntimeError(f"{len(answers)} answers to {len(ordered)} of {examples} examples")
    return [ordered[i] for i in range(examples)]
