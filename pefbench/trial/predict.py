"""Predict each example exactly once, over any number of processes, and score once over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object

from pefbench.progress import Progress
from pefbench.trial.batching import collate, sorted_batches

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import nn

    from pefbench.heads import Encoded, Head


@torch.inference_mode()
def predict(
    model: nn.Module, encoded: Encoded, head: Head, accelerator: Accelerator, *, batch_size: int, what: str
) -> list[Any]:
    """One answer per example, in the examples' order, the same on every process.

    Whole batches are dealt out, so an example is padded alike whatever the number of processes.
    """
    # Past DDP's own forward, which would synchronise buffers at a step that the other processes may not have.
    bare = accelerator.unwrap_model(model, keep_fp32_wrapper=True)
    bare.eval()
    batches = sorted_batches(head.prediction_lengths(encoded), batch_size)
    mine = batches[accelerator.process_index :: accelerator.num_processes]
    answers: list[tuple[int, Any]] = []
    with Progress(what, len(mine), enabled=accelerator.is_main_process) as progress:
        for batch in mine:
            tensors = {name: tensor.to(accelerator.device) for name, tensor in collate(encoded, batch).items()}
            chosen = [int(i) for i in batch]
            with accelerator.autocast():  # generating goes past the forward that accelerate wraps
                found = head.predict(bare, tensors, [encoded.decoding[i] for i in chosen])
            answers += zip(chosen, found, strict=True)
            progress.step()
    return _in_order(gather_object(answers), len(encoded))


def _in_order(answers: list[tuple[int, Any]], examples: int) -> list[Any]:
    """Sort gathered answers; each example must be there once, or every number after this would be wrong."""
    ordered = dict(answers)
    if len(answers) != examples or ordered.keys() != set(range(examples)):
        raise RuntimeError(f"{len(answers)} answers to {len(ordered)} of {examples} examples")
    return [ordered[i] for i in range(examples)]
