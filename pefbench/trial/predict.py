"""Predict each example exactly once, over any number of processes, and score once over all of them."""

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
    """A split's answers, judged where there is a judge, and the seconds that the model took for them.

    head: as it answers: from validation on, with what it chooses by that split.
    """

    head: Head
    answers: list[Any]
    seconds: float


def answer(
    prepared: Prepared, split: str, model: nn.Module, accelerator: Accelerator, *, trains_on: bool = False
) -> Answered:
    """The answers to a split. trains_on: training goes on after it."""
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

    Whole batches are dealt out, so an example is padded alike whatever the number of processes.
    """
    batches = sorted_batches(head.prediction_lengths(encoded), batch_size, fitted=fitted)
    unwrapped, (mine, counted) = _ready(model, accelerator), _share(batches, head, accelerator)
    answers: list[tuple[int, Any]] = []
    progress = Progress(what, len(mine), enabled=accelerator.is_main_process, lasting=not trains_on)
    # What a module makes in inference mode, which is faster, and keeps, training could not use.
    sharded = sharding.over(accelerator)
    with torch.no_grad() if trains_on or sharded else torch.inference_mode(), progress:
        for number, batch in enumerate(mine):
            tensors = _tensors(encoded, batch, accelerator)
            chosen = [int(i) for i in batch]
            with accelerator.autocast():  # generating goes past the forward that accelerate wraps
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
    """The model, ready to predict: past DDP's own forward, which would wait for processes without such a batch."""
    unwrapped: nn.Module = accelerator.unwrap_model(model, keep_fp32_wrapper=True)
    return unwrapped.eval()


def _share(batches: list[Indices], head: Head, accelerator: Accelerator) -> tuple[list[Indices], int]:
    """This process's batches of a split, and how many of them count: the first ones.

    On sharded weights all processes call the model equally often, with others' batches where there are none left.
    Texts that are generated take as many calls as the longest has tokens: all processes generate the same ones.
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
    """Sort gathered answers; each example must be there once, or every number after this would be wrong."""
    ordered = dict(answers)
    if len(answers) != examples or ordered.keys() != set(range(examples)):
        raise RuntimeError(f"{len(answers)} answers to {len(ordered)} of {examples} examples")
    return [ordered[i] for i in range(examples)]
