"""A lean training loop under accelerate: from the first step, or a checkpoint, to the weights that are kept.

`stepping` takes the steps, in the order of `batching`; `validation` scores, `keeping` selects the weights, and
`checkpoints` writes what a killed run resumes from.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from accelerate.utils import gather_object

from pefbench.errors import PreemptedError
from pefbench.progress import Progress, say
from pefbench.results import provenance
from pefbench.trial import checkpoints, curve, random_states, sharding, stopping
from pefbench.trial.batching import Order
from pefbench.trial.keeping import Keeper
from pefbench.trial.phases import Phases
from pefbench.trial.progressed import Progressed
from pefbench.trial.schedule import fraction_of_peak, total_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor, nn

    from pefbench.results.schema import CurvePoint, Kept
    from pefbench.trial.batching import Indices
    from pefbench.trial.stepping import Stepper
    from pefbench.trial.validation import Validation

    Follower = Callable[[Sequence[CurvePoint]], None]


class Training:
    """One training run; `run` starts it or resumes from its checkpoint.

    started: when its trial started, as ISO 8601 in UTC; None: now. phases: measure its cost.
    """

    def __init__(
        self,
        stepper: Stepper,
        *,
        checkpoint: Path,
        checkpoint_key: Mapping[str, object],
        started: str | None = None,
        validation: Validation | None = None,
        phases: Phases | None = None,
    ) -> None:
        self.stepper, self.validation, self.phases = stepper, validation, phases or Phases()
        self.checkpoint, self.checkpoint_key = checkpoint, checkpoint_key
        encoded, settings = stepper.encoded, stepper.settings
        self.settings, self.accelerator = settings, stepper.accelerator
        self.keeper = Keeper(stepper.unwrapped, stepper.method, settings)
        self.order = Order(encoded.lengths, settings.batch_size, seed=settings.seed)
        self.steps_an_epoch = math.ceil(len(encoded) / settings.batch_size)
        self.total = total_steps(settings, len(encoded))
        self.log_interval = curve.log_interval(self.total)
        self.validation_interval = validation.interval(self.steps_an_epoch) if validation else self.total
        self.at = Progressed(starts=[started or provenance.now()])
        self.losses: list[Tensor] = []
        self.alone = self.accelerator.num_processes == 1

    @property
    def model(self) -> nn.Module:
        """The model as accelerate prepared it."""
        model: nn.Module = self.stepper.model
        return model

    def run(self, follow: Follower = lambda _: None) -> Progressed:
        """Train to the last step, or until patience runs out; the model then has the weights that are kept.

        follow: gets the whole curve each time it has grown.
        Raises DivergedError at the first step whose loss is not finite; PreemptedError, with a checkpoint, if the
        process is told to stop.
        """
        self._restore()
        self.model.train()
        self._validate_where_due()
        follow(self.at.curve)
        main = self.accelerator.is_main_process
        with Progress("train", self.total, start=self.at.step, enabled=main) as progress, self._listening():
            while not self._ended():
                self._train_interval(progress)
                if self._told_to_stop():
                    self._save()
                    raise PreemptedError(f"stopped at step {self.at.step} of {self.total}; the same command goes on")
                self._validate_where_due()
                follow(self.at.curve)
                if self.at.step % self.settings.checkpoint_steps == 0 or self._ended():
                    self._save()
        if self.keeper.put_back(self.at.step) and self.validation:
            self.validation.last = None
        return self.at

    def kept(self) -> Kept:
        """The step whose weights are kept, and why training ended."""
        step = self.keeper.step(self.at.step)
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

    def _train_interval(self, progress: Progress) -> None:
        """Train up to the next step after which something else is due, and add a point to the curve."""
        intervals = (self.log_interval, self.settings.checkpoint_steps, self.validation_interval)
        stop = min(self.total, *((self.at.step // interval + 1) * interval for interval in intervals))
        with self.at.training.measure():
            with self.stepper.kernels():
                while self.at.step < stop and not (self.alone and stopping.told()):
                    self._step(self.order.batch(self.at.step))
                    self.at.step += 1
                    progress.step(**self._latest())
            if self.at.step == stop:
                self._note_losses()

    def _listening(self) -> AbstractContextManager[None]:
        """If there are several processes, their launcher ends them together: see `ranks`."""
        return stopping.listening() if self.alone else nullcontext()

    def _told_to_stop(self) -> bool:
        """Whether any process was told to stop; all processes agree, so that they stop at the same step."""
        if self.alone:
            return stopping.told()
        asked = torch.tensor(float(stopping.told()), device=self.accelerator.device)
        return bool(self.accelerator.reduce(asked, reduction="sum") > 0)

    def _latest(self) -> dict[str, float]:
        """Loss and learning rate of the newest point of the curve, for the progress bar."""
        if not self.at.curve:
            return {}
        newest = self.at.curve[-1]
        return {"loss": newest["loss"], "learning_rate": newest["learning_rate"]}

    def _step(self, batch: Indices) -> None:
        """Take a step on a global batch, and count its tokens."""
        self.at.tokens += int(self.stepper.encoded.tokens[batch].sum())
        self.at.padded += self.stepper.padded(batch)
        fraction = fraction_of_peak(self.settings, self.at.step, self.total)
        self.losses.append(self.stepper.take(batch, self.at.step, fraction))

    def _note_losses(self) -> None:
        """Add a point to the curve; the processes synchronise once for the whole interval."""
        losses = self.accelerator.reduce(torch.stack(self.losses), reduction="sum").cpu().double().numpy()
        self.losses = []
        epoch = self.at.step / self.steps_an_epoch
        self.at.curve.append(curve.point(losses, self.at.step, self.total, epoch, self.settings))

    def _validate_where_due(self) -> None:
        """Score on validation, unless that is done: a run may have been stopped between a step and its evaluation."""
        due = self.at.step % self.validation_interval == 0 or self.at.step == self.total
        if self.validation and due and self.at.curve and "validation" not in self.at.curve[-1]:
            self._validate(self.validation)

    def _validate(self, validation: Validation) -> None:
        """Score the model on validation, and update the best step and whether training stops."""
        last = self.at.step == self.total
        with nullcontext() if last else self.at.validation.measure():
            with random_states.undisturbed():
                values = validation.score(self.model, last=last)
            self.model.train()
            point = self.at.curve[-1]
            point["loss_since_validation"], point["validation"] = curve.mean_since(self.at.curve), values
            kept = self.keeper.note(self.at.step, values.get(validation.headline), higher=validation.higher)
            self.at.stopped = not last and self.keeper.out_of_patience
            validation.tell(point, self.total, best=kept)
            validation.stop_if_unpromising(self.at.curve, self.total)

    def _save(self) -> None:
        """Write a checkpoint, after validation, so that a resumed run has its scores.

        All processes contribute their random states; the main process writes.
        """
        self.at.note_peaks(self.phases.peaks())
        states, main = gather_object([random_states.current()]), self.accelerator.is_main_process
        steps, kept = (
            sharding.whole(part, keep=main) for part in (self.stepper.state(), self.keeper.state(self.at.step))
        )
        if main:
            state: checkpoints.State = {
                "checkpoint_key": dict(self.checkpoint_key),
                "progress": self.at.plain(),
                "losses": [float(loss) for loss in self.losses],
                "random": states,
                "steps": steps,
                "kept": kept,
            }
            checkpoints.write(self.checkpoint, state)
        self.accelerator.wait_for_everyone()

    def _restore(self) -> None:
        state = checkpoints.read(self.checkpoint, self.checkpoint_key)
        if state is None:
            return
        starts, self.at = self.at.starts, Progressed.of(state["progress"])
        self.at.starts += starts
        self.losses = [torch.tensor(loss, device=self.accelerator.device) for loss in state["losses"]]
        self.stepper.restore(state["steps"])
        self.keeper.restore(state["kept"], self.at.step)
        states, processes = state["random"], self.accelerator.num_processes
        if len(states) != processes and self.accelerator.is_main_process:
            say(f"resumed at step {self.at.step}: started on {len(states)} processes, now on {processes}")
        # If each process draws its own numbers, the number of processes is the same: see the checkpoint's key.
        random_states.restore(states[self.accelerator.process_index % len(states)])
