"""The end of a trial: its model is saved and checked, and its result is written, finished or failed.

Only the main process of a run does this.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pefbench.errors import DivergedError, PefbenchError, PrunedError, RoundTripError
from pefbench.progress import say
from pefbench.trial import artifacts, portable, round_trip
from pefbench.trial.folder import TrialFolder, write_trial

if TYPE_CHECKING:
    from torch import nn

    from pefbench.results.place import Place
    from pefbench.trial.prepare import Prepared
    from pefbench.trial.record import TrialRecord


@dataclass(frozen=True)
class Ending:
    """Writes a trial's output: the files in its folder, and its record as a result."""

    place: Place
    folder: TrialFolder
    record: TrialRecord

    def save(self, model: nn.Module, prepared: Prepared, answers: list[Any]) -> None:
        """Save the trained model and its answers on test."""
        shutil.rmtree(self.folder.model, ignore_errors=True)
        saved_bytes = artifacts.save(model, self.folder.model, prepared.recipe.method)
        self.record.add(
            model={**self.record.reached["model"], "adapter_bytes": saved_bytes}, artifacts=self.folder.artifacts
        )
        known = portable.complete(self.folder.model, prepared, self.record.reached)
        references = prepared.head.answers.references(prepared.examples["test"])
        write_trial(self.folder.path, prepared, answers, references, known)

    def finish(self, prepared: Prepared, *, saved: bool) -> None:
        """Check what was saved in a fresh process, write the result, and remove what is no longer needed."""
        if saved:
            examples = len(prepared.examples["test"])
            self.record.add(round_trip={"reproduced": False, "examples": examples, "seconds": 0.0})
            trip = round_trip.check_in_fresh_process(self.folder.path, forked=prepared.recipe.train.fast_paths)
            self.record.add(round_trip=trip)
        again = self.folder.take_place()
        self.place.write(self.folder.result, self.record.finish(), again=again)
        self.folder.clear(saved=saved)

    def fail(self, error: Exception) -> None:
        """Write a failed result, unless another process has done so or a finished result exists.

        The checkpoint is removed only if the trial would fail again; it stays after other errors, such as a full disk.
        """
        try:
            if not self.folder.claim_failure():
                return
            if isinstance(error, DivergedError | PrunedError | RoundTripError):
                self.folder.checkpoint.unlink(missing_ok=True)
            if self.folder.replaces:
                say(f"warning: the rerun failed; the finished result stays: {self.folder.result}")
            else:
                self.place.write(self.folder.result, self.record.fail(error))
        except (OSError, PefbenchError):
            say(f"warning: the failed result could not be written to {self.folder.result}")
