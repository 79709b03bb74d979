"""A lean training loop under accelerate: length buckets, exact global means, resumable at any step.

The loss of a step is the mean over the targets of the whole global batch, whatever the number of processes and of
micro-batches: each part is divided by the global count, which every process can compute by itself.
"""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from accelerate.utils import gather_object

from pefbench.errors import DivergedError
from pefbench.models import quantization
from pefbench.models.cpu_kernels import cheap_dropout, fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.progress import Progress
from pefbench.trial import checkpoints, keeping, packing
from pefbench.trial.batching import Indices, collate, epoch_batches, share
from pefbench.trial.keeping import Best
from pefbench.trial.schedule import fraction_of_peak, learning_rate, total_steps
from pefbench.trial.validation import mean_since

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from accelerate import Accelerator
    from torch import Tensor, nn

    from pefbench.heads import Encoded, Head
    from pefbench.methods import Method
    from pefbench.results.schema import CurvePoint, Kept
    from pefbench.sections import TrainSection
    from pefbench.trial.validation import Validation

    Follower = Callable[[Sequence[CurvePoint]], None]

CURVE_POINTS = 200


@dataclass
class Progressed:
    """How far a run is: the part of its state that is plain numbers.

    tokens: tokens seen, padding left out. padded: the same with padding. seconds: training alone, without
    checkpoints and validation, over all the times that the run was started; processor_seconds: the same of all threads
    of the main process; validation_seconds and validation_processor_seconds: those of validation, but for the last
    step's. curve: one point for each log interval. best: the best evaluation. stopped: by `train.patience`.
    """

    step: int = 0
    tokens: int = 0
    padded: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    validation_seconds: float = 0.0
    validation_processor_seconds: float = 0.0
    curve: list[CurvePoint] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    stopped: bool = False


def make_optimizer(model: nn.Module, method: Method, settings: TrainSection) -> torch.optim.Optimizer:
    """AdamW over the method's groups; each keeps its own peak rate as `peak`."""
    groups = method.parameter_groups(model, settings.learning_rate, settings.weight_decay)
    groups = [group | {"peak": group.get("lr", settings.learning_rate)} for group in groups]
    if settings.optimizer == "adamw8bit":
        return quantization.adamw_8bit(groups, settings.learning_rate)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


class Training:
    """One training run of a prepared model; `run` starts it or goes on from its checkpoint."""

    def __init__(
        self,
        model: nn.Module,
        encoded: Encoded,
        head: Head,
        method: Method,
        settings: TrainSection,
        accelerator: Accelerator,
        *,
        checkpoint: Path,
        checkpoint_key: Mapping[str, object],
        dropout_by_example: bool = False,
        leaves_modules_out: bool = False,
        validation: Validation | None = None,
    ) -> None:
        self.head, self.encoded, self.settings, self.accelerator = head, encoded, settings, accelerator
        self.method, self.bare = method, model
        self.checkpoint, self.checkpoint_key, self.validation = checkpoint, checkpoint_key, validation
        self.dropout = KeyedDropout(settings.seed) if dropout_by_example else None
        if accelerator.ddp_handler is not None:  # looking for such weights costs time, and warns where there are none
            may_be_unused = leaves_modules_out or (accelerator.num_processes > 1 and self._leaves_weights_out())
            accelerator.ddp_handler.find_unused_parameters = may_be_unused
        self.model, self.optimizer = accelerator.prepare(model, make_optimizer(model, method, settings))
        self.trainable = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.steps_an_epoch = math.ceil(len(encoded) / settings.batch_size)
        self.total = total_steps(settings, len(encoded))
        self.log_interval = max(1, self.total // CURVE_POINTS)
        self.validation_interval = validation.interval(self.steps_an_epoch) if validation else self.total
        self.at = Progressed()
        self.best: keeping.Weights | None = None
        self.losses: list[Tensor] = []
        self.planned: tuple[int, list[Indices]] = (-1, [])

    def _leaves_weights_out(self) -> bool:
        """Whether the loss does not depend on some trained weight, as on a pooler that the head does not use.

        Without telling the others, a process would wait for its gradient.
        """
        if not self.method.trains_pretrained:
            return False
        self.bare.to(self.accelerator.device).eval()
        with torch.random.fork_rng():
            self.head.loss_sum(self.bare, self._tensors(np.arange(1))).backward()
        unused = any(weight.requires_grad and weight.grad is None for weight in self.bare.parameters())
        self.bare.zero_grad()
        return unused

    def run(self, follow: Follower = lambda _: None) -> Progressed:
        """Train to the last step, or until patience ends; the model then has the weights that are kept.

        follow: is given the whole curve each time that it has grown.
        Raises DivergedError at the first step whose loss is not finite.
        """
        self._restore()
        follow(self.at.curve)
        self.model.train()
        main = self.accelerator.is_main_process
        with Progress("train", self.total, start=self.at.step, enabled=main) as progress:
            while not self._ended():
                self._train_interval(progress)
                follow(self.at.curve)
                self._save_when_due()
        if self.best is not None and self.kept()["step"] != self.at.step:
            keeping.put_back(self._unwrapped(), self.method, self.best)
            if self.validation:
                self.validation.last = None
        return self.at

    def kept(self) -> Kept:
        """The step whose weights are kept, and why training ended."""
        step = self.at.best.step if self.settings.keep == "best" and self.at.best.step else self.at.step
        return {
            "step": step,
            "epoch": step / self.steps_an_epoch,
            "chosen": self.settings.keep,
            "steps": self.at.step,
            "planned": self.total,
            "stopped": "patience" if self.at.stopped else "end",
        }

    def _ended(self) -> bool:
        return self.at.stopped or self.at.step == self.total

    def _unwrapped(self) -> nn.Module:
        model: nn.Module = self.accelerator.unwrap_model(self.model)
        return model

    def _train_interval(self, progress: Progress) -> None:
        """Train up to the next point of the curve, timed without validation and what is written to disk."""
        started, used = time.perf_counter(), time.process_time()
        intervals = (self.log_interval, self.settings.checkpoint_steps, self.validation_interval)
        stop = min(self.total, *map(self._next, intervals))
        with fast_on_cpu(self.dropout or cheap_dropout):
            while self.at.step < stop:
                self._step(self._batch(self.at.step))
                self.at.step += 1
                progress.step(**self._latest())
        self._note_losses()
        self.at.seconds += time.perf_counter() - started
        self.at.processor_seconds += time.process_time() - used
        if self.validation and (self.at.step % self.validation_interval == 0 or self.at.step == self.total):
            self._validate(self.validation)

    def _validate(self, validation: Validation) -> None:
        """Score the model on validation and note what follows: the best step, and whether training stops."""
        started, used = time.perf_counter(), time.process_time()
        last = self.at.step == self.total
        with checkpoints.undisturbed():
            values = validation.score(self.model, last=last)
        self.model.train()
        point = self.at.curve[-1]
        point["loss_since_validation"], point["validation"] = mean_since(self.at.curve), values
        better = self.at.best.improves(self.at.step, values.get(validation.headline), higher=validation.higher)
        if self.settings.keep == "best" and better:
            self.best = keeping.copied(self._unwrapped(), self.method)
        patience = self.settings.patience
        self.at.stopped = not last and patience is not None and self.at.best.waited >= patience
        validation.tell(point, self.total, best=self.settings.keep == "best" and better)
        if not last:
            self.at.validation_seconds += time.perf_counter() - started
            self.at.validation_processor_seconds += time.process_time() - used

    def _save_when_due(self) -> None:
        """Write a checkpoint: after validation, so that a run that goes on from here has its scores."""
        if self.at.step % self.settings.checkpoint_steps == 0 or self._ended():
            self._save()

    def _latest(self) -> dict[str, float]:
        """The newest point of the curve, to be shown beside the progress."""
        if not self.at.curve:
            return {}
        newest = self.at.curve[-1]
        return {"loss": newest["loss"], "learning_rate": newest["learning_rate"]}

    def _next(self, interval: int) -> int:
        return (self.at.step // interval + 1) * interval

    def _step(self, batch: Indices) -> None:
        """Take one optimizer step on a global batch."""
        fraction = fraction_of_peak(self.settings, self.at.step, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * fraction
        self._count(batch)
        mine = share(batch, self.accelerator.process_index, self.accelerator.num_processes)
        # A process without examples still takes part in the others' reductions: with one example that counts nothing.
        weight = 1.0 if len(mine) else 0.0
        mine = mine if len(mine) else batch[:1]
        targets = max(1, int(self.encoded.targets[batch].sum()))
        parts = self._micro_batches(mine)
        losses = [self._backward(part, weight / targets, last=part is parts[-1]) for part in parts]
        self.accelerator.clip_grad_norm_(self.trainable, self.settings.max_grad_norm)
        self.optimizer.step()
        self.method.after_step(self.bare, self.at.step + 1)
        self.optimizer.zero_grad()
        self.losses.append(torch.stack(losses).sum())

    def _backward(self, part: Indices, weight: float, *, last: bool) -> Tensor:
        """Add one micro-batch's gradients; return its share of the global mean loss."""
        tensors = self._tensors(part)
        if self.dropout:
            self.dropout.begin(self.at.step, self.encoded.rows_of(part))
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            loss = self.head.loss_sum(self.model, tensors) * weight
            penalty = self.method.penalty(self.bare) if last else None
            # Gradients are averaged over processes; the loss is already divided by the global count.
            whole = loss * self.accelerator.num_processes
            self.accelerator.backward(whole if penalty is None else whole + penalty)
        return loss.detach()

    def _tensors(self, part: Indices) -> dict[str, Tensor]:
        made = packing.collate(self.encoded, part) if self.settings.packing else collate(self.encoded, part)
        return {name: tensor.to(self.accelerator.device) for name, tensor in made.items()}

    def _micro_batches(self, mine: Indices) -> list[Indices]:
        size = self.settings.micro_batch_size or max(1, len(mine))
        return [mine[at : at + size] for at in range(0, len(mine), size)]

    def _count(self, batch: Indices) -> None:
        """Add up what all processes together see of a batch."""
        encoded, processes = self.encoded, self.accelerator.num_processes
        self.at.tokens += int(encoded.tokens[batch].sum())
        for rank in range(processes):
            for part in self._micro_batches(share(batch, rank, processes)):
                if self.settings.packing:
                    self.at.padded += packing.size(encoded.lengths[part].tolist())
                else:
                    self.at.padded += len(encoded.rows_of(part)) * int(encoded.lengths[part].max())

    def _batch(self, step: int) -> Indices:
        epoch, position = divmod(step, self.steps_an_epoch)
        if self.planned[0] != epoch:
            batches = epoch_batches(
                self.encoded.lengths, self.settings.batch_size, seed=self.settings.seed, epoch=epoch
            )
            self.planned = (epoch, batches)
        return self.planned[1][position]

    def _note_losses(self) -> None:
        """Add a point to the curve: the mean loss since the last one; one synchronisation for the whole interval."""
        losses = self.accelerator.reduce(torch.stack(self.losses), reduction="sum").cpu().double().numpy()
        self.losses = []
        first = self.at.step - len(losses)
        if not np.isfinite(losses).all():
            step = first + int(np.argmin(np.isfinite(losses))) + 1
            raise DivergedError(
                f"the loss is not finite at step {step} of {self.total} "
                f"(learning rate {learning_rate(self.settings, step - 1, self.total):.3g}); try a lower learning rate"
            )
        rate = learning_rate(self.settings, self.at.step - 1, self.total)
        epoch = self.at.step / self.steps_an_epoch
        self.at.curve.append(
            {"step": self.at.step, "epoch": epoch, "loss": float(losses.mean()), "learning_rate": rate}
        )

    def _save(self) -> None:
        """Write a checkpoint: all processes give their random states, one writes.

        The best weights are in the same file, so that both are always of one moment; once where they are the newest.
        """
        random_states = gather_object([checkpoints.random_state()])
        if self.accelerator.is_main_process:
            scaler = self.accelerator.scaler
            state: checkpoints.State = {
                "checkpoint_key": dict(self.checkpoint_key),
                "progress": vars(self.at) | {"best": self.at.best.plain()},
                "random": random_states,
                "trained": checkpoints.trained_state(self._unwrapped()),
                "optimizer": self.optimizer.state_dict(),
                "method": self.method.state(self.bare),
                "scaler": scaler.state_dict() if scaler is not None else None,
                "best": None if self.best is None or self.at.best.step == self.at.step else self.best,
            }
            checkpoints.write(self.checkpoint, state)
        self.accelerator.wait_for_everyone()

    def _restore(self) -> None:
        state = checkpoints.read(self.checkpoint, self.checkpoint_key)
        if state is None:
            return
        self.at = Progressed(**state["progress"] | {"best": Best(**state["progress"]["best"])})
        checkpoints.restore_trained(self._unwrapped(), state["trained"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.method.restore(self.bare, state["method"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        checkpoints.restore_random(state["random"][self.accelerator.process_index])
        if self.settings.keep == "best" and self.at.best.step:
            newest = self.at.best.step == self.at.step
            self.best = keeping.copied(self._unwrapped(), self.method) if newest else state["best"]
