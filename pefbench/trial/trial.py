"""A trial: prepare, train, predict, score, save, reload and write the result; or write how it failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from accelerate.utils import broadcast_object_list, set_seed

from pefbench.errors import DataError, PefbenchError, PreemptedError, TrialError
from pefbench.models import loading
from pefbench.progress import say
from pefbench.results import provenance, store
from pefbench.results.address import place_at
from pefbench.trial import (
    build,
    devices,
    fast_paths,
    foreseen,
    latency,
    out_of_memory,
    preflight,
    rehearsal,
    same_model,
    sharding,
    validation,
)
from pefbench.trial.alike import HEAD_REMEDY, REMEDY, alike
from pefbench.trial.cache import Shared
from pefbench.trial.dropout import how_drawn, leaves_modules_out
from pefbench.trial.ending import Ending
from pefbench.trial.folder import EVALUATED, TrialFolder, needed_bytes, result_path
from pefbench.trial.holding import held
from pefbench.trial.loop import Training
from pefbench.trial.optimizer import shares_its_rate
from pefbench.trial.phases import Phases
from pefbench.trial.predict import answer
from pefbench.trial.prepare import prepare
from pefbench.trial.ranks import Ranks
from pefbench.trial.record import TrialRecord, announcement, data_of, model_of, origin_of, phases_of
from pefbench.trial.score import baseline_answers, score_trial
from pefbench.trial.stepping import Stepper
from pefbench.trial.tracking import check_installed, tracking
from pefbench.trial.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import nn

    from pefbench.heads import Head
    from pefbench.recipe import Recipe
    from pefbench.results.place import Place
    from pefbench.results.schema import Placement
    from pefbench.trial.foreseen import Foreseen
    from pefbench.trial.latency import Timed
    from pefbench.trial.progressed import Progressed
    from pefbench.trial.validation import Watch

FROM_PYTHON = "(called from Python)"


class Trial:
    """One trial on the processes of this run; only the main process writes. The arguments are those of `run.run`."""

    def __init__(
        self,
        recipe: Recipe,
        out: Path | str | Place,
        *,
        command: str = FROM_PYTHON,
        scored: Sequence[str] = EVALUATED,
        shared: Shared | None = None,
        time_merged: bool = False,
        processes_in_id: bool = True,
        reports: bool = False,
        watch: Watch | None = None,
        placement: Placement | None = None,
    ) -> None:
        started = provenance.now()
        sharding.check_launcher()
        self.place = place_at(out)
        devices.set_threads(recipe.train.threads)
        validation.check(recipe, scored)
        check_installed(recipe.train.track)
        self.scored, self.time_merged = tuple(scored), time_merged
        self.shared, self.phases = shared or Shared(keeps=False), Phases()
        self.prepared = prepare(recipe, self.phases, ["train", *scored], self.shared)
        self.recipe, self.head = self.prepared.recipe, self.prepared.head
        self.accelerator = devices.accelerator(self.recipe.train.precision)
        self.is_main = self.accelerator.is_main_process
        self.validation = self._while_training(reports=reports, watch=watch)
        self.dropout = how_drawn(self.recipe, self.prepared.config)
        self.leaves_modules_out = leaves_modules_out(self.recipe, self.prepared.config)
        if self.sharded:
            sharding.check(self.recipe, leaves_modules_out=self.leaves_modules_out)
        self.path = self._result_path(self.accelerator.num_processes if processes_in_id else 1)
        self.folder = TrialFolder(self.path)
        self.record = self._begun_record(command, started, placement)
        self.ending = Ending(self.place, self.folder, self.record)

    def _while_training(self, *, reports: bool, watch: Watch | None) -> Validation | None:
        """Scores on validation during training; None if there are none."""
        if "validation" not in self.scored or self.recipe.train.evaluate == "none":
            return None
        return Validation(self.prepared, self.accelerator, self.phases, reports=reports, watch=watch)

    def _result_path(self, processes: int) -> Path:
        """The path of the result on this machine. processes: the number in its id."""
        data = self.prepared.corpus.fingerprint
        return result_path(self.recipe, data, self.place.folder, self.scored, dropout=self.dropout, processes=processes)

    def _begun_record(self, command: str, started: str, placement: Placement | None) -> TrialRecord:
        """The record with everything known before there is a model. Raises a UserError for what cannot work."""
        origin = origin_of(self.recipe, command=command, world_size=self.accelerator.num_processes, started=started)
        if placement:
            origin["placement"] = placement
        record = TrialRecord(self.path.stem, self.recipe, self.scored, origin)
        notes, warnings = preflight.remarks(self.prepared)
        record.add(data=data_of(self.prepared), notes=notes, warnings=warnings)
        return record

    @property
    def sharded(self) -> bool:
        """Whether the model's weights are sharded over the processes."""
        return sharding.over(self.accelerator)

    def is_finished(self) -> bool:
        """Whether a finished result exists; the main process decides for all."""
        answer = [False]
        if self.is_main:
            self.place.fetch(self.path)
        if self.is_main and self.path.exists():
            try:
                answer = [store.read_result(self.path)["status"] == "finished"]
            except DataError as error:
                say(f"warning: {error}; training again")
        return bool(broadcast_object_list(answer)[0])

    def check_model(self) -> None:
        """Raise DataError, on all processes, if the model has changed since the finished result was trained."""
        difference = [""]
        if self.is_main:
            difference = [same_model.difference(store.read_result(self.path), self.prepared.start, self.shared)]
        if why := str(broadcast_object_list(difference)[0]):
            raise DataError(f"{self.path}: {why}; --rerun replaces it, another --out keeps both")

    def held(self, patience: float | None) -> AbstractContextManager[None]:
        """Hold the trial, so that no other process runs it; see `holding.held`. Raises OutputError, HeldError."""
        if self.is_main:
            self.place.below(self.recipe.name).check(0)
        return held(self.place, self.path, is_main=self.is_main, patience=patience)

    def room(self) -> int:
        """The disk space in bytes that the trial needs while it runs; makes the model to find out."""
        return needed_bytes(loading.count(self.make_model(), trainable=True), self.recipe.train.keep)

    def dry_run(self) -> None:
        """Apply the method and check that the result has room, as `run` does; then print what would be trained."""
        model = self.make_model()
        if self.is_main:  # before the rehearsal, which takes longer
            room = needed_bytes(loading.count(model, trainable=True), self.recipe.train.keep)
            self.place.below(self.recipe.name).check(room)
        told = "" if self.sharded else self._foresee(model).told(self.phases.costs["load"]["peak_memory_bytes"])
        if self.is_main:
            self._announce()
            say(told or "peak memory: not foreseen, the weights are sharded")
        self.accelerator.wait_for_everyone()

    def run(self, model: nn.Module, *, again: bool) -> None:
        """Train, score, save and check; write the result, finished or failed.

        model: made by `make_model`. again: a finished result exists, which stays until this trial has finished, too.
        """
        if again:
            self.folder.begin_again()
        if not self.sharded and foreseen.may_not_fit(self.prepared, model, self.accelerator.num_processes):
            self._foresee(model)
        if self.is_main:
            self.folder.make_room(loading.count(model, trainable=True), self.recipe.train.keep)
            self._announce()
        ranks = Ranks(self.folder.checkpoint)
        try:
            with ranks.named():
                self._train_and_score(model)
        except PreemptedError:  # not a failure: the same command resumes
            raise
        except Exception as error:
            self.ending.fail(error)
            if isinstance(error, PefbenchError) and not isinstance(error, TrialError):
                raise TrialError(str(error)) from error
            raise

    def make_model(self) -> nn.Module:
        """The pretrained model with the method applied; what cannot work is refused here, before training."""
        with out_of_memory.told("loading the model", self.recipe), self.phases.measure("load"):
            model = build.pretrained(self.prepared, self.shared)
            parameters = loading.count(model)
            model = build.with_method(self.prepared, model)
        self.record.add(
            fast_paths=fast_paths.taken(self.recipe, self.head, model, self.accelerator.device.type),
            model=model_of(self.prepared, model, parameters, self.shared),
        )
        self.record.reached["warnings"] += build.doubts(self.recipe.method, model)
        return model

    def _foresee(self, model: nn.Module) -> Foreseen:
        """Add the expected peak memory to the record, and a warning if training will not fit."""
        with out_of_memory.told("training", self.recipe, self.accelerator.num_processes):
            by_example = self.dropout == "by example and step"
            expected = rehearsal.rehearse(self.prepared, model, self.accelerator, by_example=by_example)
        self.record.add(expected_peak_bytes=expected.peaks())
        self.record.reached["warnings"] += expected.doubts()
        return expected

    def _train_and_score(self, model: nn.Module) -> None:
        # Before training: a baseline that fails must not cost a trained model.
        baselines = baseline_answers(self.prepared) if self.is_main and "test" in self.scored else {}
        with out_of_memory.told("training", self.recipe, self.accelerator.num_processes):
            trained, progressed = self._train(model)
        with self.phases.measure("evaluate"):
            predicted = {split: self._predict(trained, split) for split in self.scored}
        self.record.add(phases=phases_of(self.phases.costs, progressed))
        if self.is_main:
            answers = {split: found for split, (found, _) in predicted.items()}
            with out_of_memory.told("scoring", self.recipe):
                self.record.add(**score_trial(self.prepared, answers, baselines))
            if "test" in predicted:
                self._warn_if_alike(trained, answers["test"])
        if "test" in predicted:
            with sharding.whole_weights(trained, keep=self.is_main):
                if self.is_main:
                    unwrapped = self.accelerator.unwrap_model(trained, keep_fp32_wrapper=False)
                    self.ending.save(unwrapped, self.prepared, predicted["test"][0])
            self._time_inference(trained, predicted["test"])
        self.accelerator.wait_for_everyone()
        del model, trained
        self.accelerator.free_memory()
        if self.is_main:
            self.ending.finish(self.prepared, saved="test" in predicted)
        self.accelerator.wait_for_everyone()

    def _train(self, model: nn.Module) -> tuple[nn.Module, Progressed]:
        """Train; return the model as accelerate prepared it, with the weights that are kept, and the run's progress."""
        set_seed(self.recipe.train.seed, device_specific=True)
        stepper = Stepper(
            model,
            self.prepared,
            self.accelerator,
            dropout_by_example=self.dropout == "by example and step",
            leaves_modules_out=self.leaves_modules_out,
        )
        training = Training(
            stepper,
            validation=self.validation,
            phases=self.phases,
            started=self.record.origin["started"],
            checkpoint=self.folder.checkpoint,
            checkpoint_key={
                "id": self.record.trial_id,
                "model": [self.record.reached["model"]["fingerprint"], self.record.reached["model"]["settings"]],
                "processes": self.accelerator.num_processes if self.dropout == "by process" else None,
                "code": provenance.code_digest(),
                "packages": provenance.packages(),
                "device": str(self.accelerator.device.type),
            },
        )
        try:
            with tracking(self.recipe, self.path, enabled=self.is_main) as tracked, self.phases.measure("train"):
                progressed = training.run(tracked.follow)
        finally:
            self.record.note_starts(*training.at.starts)
            if training.at.step:  # also if a trial diverges or is stopped early: tuning has paid for it
                self.record.add(phases=phases_of(self.phases.costs, training.at))
        self.record.add(curve=progressed.curve, kept=training.kept())
        return training.model, progressed

    def _predict(self, model: nn.Module, split: str) -> Timed:
        """The answers to a split, and the seconds that the model took for them."""
        known = self.validation.last if self.validation and split == "validation" else None
        found = known or answer(self.prepared, split, model, self.accelerator)
        if found.head is not self.head:
            self._answer_as(found.head)
        return found.answers, found.seconds

    def _answer_as(self, head: Head) -> None:
        """Continue with a head that has chosen its thresholds on the validation split."""
        self.head, self.prepared = head, replace(self.prepared, head=head)
        if head.thresholds:
            self.record.add(thresholds=dict(head.thresholds))

    def _warn_if_alike(self, trained: nn.Module, answers: Sequence[Any]) -> None:
        references = self.head.answers.references(self.prepared.examples["test"])
        unwrapped = self.accelerator.unwrap_model(trained, keep_fp32_wrapper=True)
        remedy = HEAD_REMEDY if shares_its_rate(unwrapped, self.recipe.train) else REMEDY
        self.record.add(warnings=[*self.record.reached["warnings"], *alike(answers, references, remedy)])

    def _time_inference(self, model: nn.Module, adapted: Timed) -> None:
        """Record the time to predict test, also with the method merged. Must come last: merging changes the model."""
        unwrapped = self.accelerator.unwrap_model(model, keep_fp32_wrapper=True)
        # With several processes, one that cannot merge would leave the others waiting for its predictions.
        alone = self.accelerator.num_processes == 1
        can_merge = self.time_merged and alone and latency.merge(unwrapped, self.recipe.method)
        merged = self._predict(model, "test") if can_merge else None
        same, processes = self.head.answers.same, self.accelerator.num_processes
        self.record.add(inference=latency.measure(adapted, merged, same, processes))

    def _announce(self) -> None:
        for line in announcement(self.record.recipe, self.record.reached, self.accelerator.num_processes):
            say(line)
