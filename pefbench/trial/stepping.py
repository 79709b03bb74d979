"""One optimizer step on a global batch, taken by all processes together.

The loss of a step is the mean over the targets of the whole global batch, whatever the number of processes and
micro-batches: each part is divided by the global count, which every process computes itself.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import torch

from pefbench.models.cpu_kernels import cheap_dropout, fast_linear, fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.models.patches.functional import stock_dropout, stock_linear
from pefbench.trial import packing, sharding, trained
from pefbench.trial.batching import collate, share
from pefbench.trial.optimizer import make_optimizer, set_learning_rate

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from accelerate import Accelerator
    from torch import Tensor, nn

    from pefbench.methods._types import MethodState
    from pefbench.trial.batching import Indices
    from pefbench.trial.prepare import Prepared


LibraryState = dict[str, Any]  # created by torch or accelerate


class State(TypedDict):
    """What steps change, for a checkpoint."""

    trained: dict[str, Tensor]
    optimizer: LibraryState
    method: MethodState
    scaler: LibraryState | None  # of fp16


class Stepper:
    """A model and its optimizer, prepared for all processes; `take` takes a step.

    dropout_by_example: draw dropout by example and step. leaves_modules_out: a step may use only some of the trained
    modules, so processes must not wait for the gradients of the others.
    """

    def __init__(
        self,
        model: nn.Module,
        prepared: Prepared,
        accelerator: Accelerator,
        *,
        dropout_by_example: bool = False,
        leaves_modules_out: bool = False,
    ) -> None:
        self.unwrapped, self.encoded, self.head = model, prepared.encoded["train"], prepared.head
        self.method, self.settings, self.accelerator = prepared.recipe.method, prepared.recipe.train, accelerator
        self.dropout = KeyedDropout(self.settings.seed) if dropout_by_example else None
        if accelerator.ddp_handler is not None and not sharding.over(accelerator):
            # looking for such weights costs time, and warns if there are none
            may_be_unused = leaves_modules_out or (accelerator.num_processes > 1 and self._leaves_weights_out())
            accelerator.ddp_handler.find_unused_parameters = may_be_unused
        optimizer = make_optimizer(model, self.method, self.settings)
        self.moments = sharding.Moments(accelerator, optimizer)
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        sharding.clips(accelerator, self.settings.max_grad_norm)
        self.trainable = [weight for weight in self.model.parameters() if weight.requires_grad]

    def _leaves_weights_out(self) -> bool:
        """Whether the loss does not depend on some trained weight, such as a pooler that the head does not use.

        Or an expert that gets no token. DDP must know, or a process would wait for the weight's gradient.
        """
        self.unwrapped.to(self.accelerator.device).eval()
        with torch.random.fork_rng(), self.accelerator.autocast():
            loss = self.head.loss_sum(self.unwrapped, self._tensors(np.arange(1)))
        loss.backward()
        unused = any(weight.requires_grad and weight.grad is None for weight in self.unwrapped.parameters())
        self.unwrapped.zero_grad()
        return unused

    def kernels(self) -> AbstractContextManager[None]:
        """Make steps inside the block fast on a CPU, with this run's dropout."""
        fast = self.settings.fast_paths
        dropout = self.dropout or (cheap_dropout if fast else stock_dropout)
        return fast_on_cpu(dropout, fast_linear if fast else stock_linear)

    def take(self, batch: Indices, step: int, fraction: float) -> Tensor:
        """Take a step (from 0) at a fraction of the peak learning rate; return this process's share of the loss, ()."""
        set_learning_rate(self.optimizer, fraction)
        targets = max(1, int(self.encoded.targets[batch].sum()))
        parts = self._parts(batch)
        losses = [
            self._backward(part, step, weight / targets, last=number == len(parts))
            for number, (part, weight) in enumerate(parts, 1)
        ]
        self.accelerator.clip_grad_norm_(self.trainable, self.settings.max_grad_norm)
        self.optimizer.step()
        self.method.after_step(self.unwrapped, step + 1)
        self.optimizer.zero_grad()
        return torch.stack(losses).sum()

    def _backward(self, part: Indices, step: int, weight: float, *, last: bool) -> Tensor:
        """Add one micro-batch's gradients; returns its share of the global mean loss."""
        tensors = self._tensors(part)
        if self.dropout:
            self.dropout.start(step, self.encoded.rows_of(part))
        sharding.next_backward(self.accelerator, last=last)
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            loss = self.head.loss_sum(self.model, tensors) * weight
            penalty = self.method.penalty(self.unwrapped) if last else None
            # Gradients are averaged over processes; the loss is already divided by the global count.
            whole = loss * self.accelerator.num_processes
            self.accelerator.backward(whole if penalty is None else whole + penalty)
        return loss.detach()

    def _parts(self, batch: Indices) -> list[tuple[Indices, float]]:
        """This process's micro-batches of a global batch, each with its weight.

        A process without examples must still take part in the others' reductions, with sharded weights in every
        micro-batch; it uses one example with weight 0.
        """
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        parts = [(part, 1.0) for part in self._micro_batches(share(batch, rank, processes))]
        most = len(self._micro_batches(share(batch, 0, processes))) if sharding.over(self.accelerator) else 1
        return parts + [(batch[:1], 0.0)] * (most - len(parts))

    def _tensors(self, part: Indices) -> dict[str, Tensor]:
        made = packing.collate(self.encoded, part) if self.settings.packing else collate(self.encoded, part)
        return {name: tensor.to(self.accelerator.device) for name, tensor in made.items()}

    def _micro_batches(self, mine: Indices) -> list[Indices]:
        size = self.settings.micro_batch_size or max(1, len(mine))
        return [mine[at : at + size] for at in range(0, len(mine), size)]

    def padded(self, batch: Indices) -> int:
        """The number of tokens that all processes together compute for a batch, with padding."""
        encoded, processes = self.encoded, self.accelerator.num_processes
        parts = [part for rank in range(processes) for part in self._micro_batches(share(batch, rank, processes))]
        if self.settings.packing:
            return sum(packing.size(encoded.lengths[part].tolist()) for part in parts)
        return sum(len(encoded.rows_of(part)) * int(encoded.lengths[part].max()) for part in parts)

    def state(self) -> State:
        """What steps have changed, by reference."""
        scaler = self.accelerator.scaler
        return {
            "trained": trained.state(self.unwrapped),
            "optimizer": self.moments.state(self.optimizer),
            "method": self.method.state(self.unwrapped),
            "scaler": scaler.state_dict() if scaler is not None else None,
        }

    def restore(self, state: State) -> None:
        """Restore what `state` returned."""
        trained.restore(self.unwrapped, state["trained"])
        self.moments.restore(state["optimizer"], self.optimizer)
        self.method.restore(self.unwrapped, state["method"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
