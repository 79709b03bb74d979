"""One recipe, one trial, one result: prepare, train, score, save, load again, write."""

from __future__ import annotations

import shutil
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accelerate.utils import broadcast_object_list, set_seed

from pefbench.errors import DataError, PefbenchError, TrialError
from pefbench.metrics import make, name_of, score
from pefbench.models import loading
from pefbench.progress import say
from pefbench.registry import find
from pefbench.results import provenance, schema, store
from pefbench.trial import artifacts, devices, latency, preflight, round_trip
from pefbench.trial.loop import Progressed, Training
from pefbench.trial.phases import Phases
from pefbench.trial.predict import predict
from pefbench.trial.prepare import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from accelerate import Accelerator
    from torch import nn

    from pefbench.metrics._base import Metric
    from pefbench.recipe import Recipe
    from pefbench.trial.cache import Shared

CHECKPOINT = "checkpoint.pt"
FROM_PYTHON = "(called from Python)"
EVALUATED = ("validation", "test")
SAMPLES = 5
"""Test examples that the result shows whole, of heads whose answers are worth reading."""


def run(
    recipe: Recipe,
    out: Path,
    *,
    command: str = FROM_PYTHON,
    rerun: bool = False,
    scored: Sequence[str] = EVALUATED,
    shared: Shared | None = None,
    merged: bool = False,
) -> Path:
    """Run a recipe's trial, or find it finished; return the path of its result, on every process.

    command: the command line, for the provenance. scored: the splits to predict; without test it is neither read nor
    saved for, as in tuning. shared: what other trials of this process have read already. merged: predict test once
    more with the method merged, to time it.
    Raises a UserError before training, a TrialError after it has started; then the result says `failed`.
    """
    started = provenance.now()
    phases = Phases()
    prepared = prepare(recipe, phases, ["train", *scored], shared)
    accelerator = devices.accelerator(prepared.recipe.train.precision)
    trial = Trial(prepared, accelerator, phases, out, started, scored, command=command, merged=merged)
    finished = trial.is_finished()
    if finished and not rerun:
        if accelerator.is_main_process:
            say(f"already finished: {trial.path} (--rerun to train it again)")
        return trial.path
    trial.run(again=finished)
    return trial.path


def check(recipe: Recipe, out: Path) -> None:
    """Do all that `run` does before it trains, and say what would be trained. Raises a UserError for what is wrong."""
    started = provenance.now()
    phases = Phases()
    prepared = prepare(recipe, phases)
    accelerator = devices.accelerator(prepared.recipe.train.precision)
    Trial(prepared, accelerator, phases, out, started).check()


def result_path(recipe: Recipe, fingerprint: str, out: Path, scored: Sequence[str] = EVALUATED) -> Path:
    """Return where the result of a recipe, its precision resolved, on data of this fingerprint lies."""
    content = recipe.resolved()
    if tuple(scored) != EVALUATED:  # the same training, but not the same result
        content["scored"] = list(scored)
    return out / recipe.name / f"{store.trial_id(content, fingerprint)}.json"


class Trial:
    """One trial on the processes of this run; only the main process writes."""

    def __init__(
        self,
        prepared: Prepared,
        accelerator: Accelerator,
        phases: Phases,
        out: Path,
        started: str,
        scored: Sequence[str] = EVALUATED,
        *,
        command: str = FROM_PYTHON,
        merged: bool = False,
    ) -> None:
        self.command = command
        self.scored, self.merged = tuple(scored), merged
        self.prepared, self.accelerator, self.phases = prepared, accelerator, phases
        self.recipe = prepared.recipe
        self.path = result_path(self.recipe, prepared.corpus.fingerprint, out, self.scored)
        self.id = self.path.stem
        self.folder = self.path.with_suffix("")
        self.replaces: Path | None = None
        self.seconds: dict[str, float] = {}
        self.commit, self.dirty = provenance.commit()
        self.result: dict[str, Any] = {
            "schema": schema.SCHEMA,
            "id": self.id,
            "status": "failed",
            "error": None,
            "recipe": self.recipe.resolved(),
            "scored": list(self.scored),
            "provenance": self._provenance(started),
            "data": self._data(),
            "warnings": preflight.doubts(prepared),
        }

    def is_finished(self) -> bool:
        """Return whether a finished result is there; the main process's answer holds for all."""
        answer = [False]
        if self.accelerator.is_main_process and self.path.exists():
            try:
                answer = [store.read_result(self.path)["status"] == "finished"]
            except DataError as error:
                say(f"warning: {error}; training again")
        return bool(broadcast_object_list(answer)[0])

    def check(self) -> None:
        """Apply the method and make sure of the room for its result, as `run` does; then say what there is."""
        model = self._apply_method()
        if self.accelerator.is_main_process:
            store.check_writable(self.path.parent, needed_bytes=self._needed_bytes(model))
            self._announce()
        self.accelerator.wait_for_everyone()

    def run(self, *, again: bool) -> None:
        """Train, score, save and check; write the result, finished or failed.

        `again`: a finished one is there. It stays until this one has finished too.
        """
        if again:
            self.replaces, self.folder = self.folder, self.path.with_suffix(".rerun")
        model = self._apply_method()
        if self.accelerator.is_main_process:
            self._make_room(model)
            self._announce()
        self.accelerator.wait_for_everyone()
        try:
            self._train_and_score(model)
        except Exception as error:
            self._write_failure(error)
            if isinstance(error, PefbenchError) and not isinstance(error, TrialError):
                raise TrialError(str(error)) from error
            raise

    def _apply_method(self) -> nn.Module:
        """Return the pretrained model with the method on it; what cannot work is refused here, before training."""
        with self.phases.measure("load"):
            model = self.prepared.pretrained()
            parameters = loading.count(model)
            model = self.prepared.with_method(model)
        trainable = loading.count(model, trainable=True)
        self.result["model"] = {
            "name": self.recipe.model.name,
            "fingerprint": self.prepared.shared.fingerprint(self.prepared.base),
            "parameters": parameters,
            "trainable_parameters": trainable,
            "trainable_percent": 100 * trainable / parameters,
            "adapter_bytes": None,
        }
        return model

    def _make_room(self, model: nn.Module) -> None:
        """Check that checkpoints and the saved model will fit, and clear away what an earlier failure left."""
        store.check_writable(self.folder, needed_bytes=self._needed_bytes(model))
        (self.folder / "failed").unlink(missing_ok=True)

    def _needed_bytes(self, model: nn.Module) -> int:
        # fp32 weights and two moments, twice while one checkpoint replaces another; then the weights once more
        return loading.count(model, trainable=True) * (2 * 12 + 4) + 2**20

    def _train_and_score(self, model: nn.Module) -> None:
        trained, progressed = self._train(model)
        with self.phases.measure("evaluate"):
            answers = {split: self._predict(trained, split) for split in self.scored}
        self.result["phases"] = self._phases(progressed)
        if self.accelerator.is_main_process:
            self._score(answers)
            if "test" in answers:
                self._save(self.accelerator.unwrap_model(trained, keep_fp32_wrapper=False), answers["test"])
        if "test" in answers:
            self._time_inference(trained, answers["test"])
        self.accelerator.wait_for_everyone()
        del model, trained
        self.accelerator.free_memory()
        if self.accelerator.is_main_process:
            if "test" in answers:
                self.result["round_trip"] = {"reproduced": False, "examples": len(answers["test"]), "seconds": 0.0}
                self.result["round_trip"] = round_trip.check_in_fresh_process(self.folder)
            self.result["status"] = "finished"
            self._replace()
            self._write()
            self._clear(saved="test" in answers)
        self.accelerator.wait_for_everyone()

    def _clear(self, *, saved: bool) -> None:
        """Remove the checkpoint; and the whole folder of a trial that saved nothing."""
        if saved:
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _train(self, model: nn.Module) -> tuple[nn.Module, Progressed]:
        checkpoint_key = {
            "id": self.id,
            "world_size": self.accelerator.num_processes,
            "code": provenance.code_digest(),
            "packages": provenance.packages(),
            "device": str(self.accelerator.device.type),
        }
        set_seed(self.recipe.train.seed, device_specific=True)
        training = Training(
            model,
            self.prepared.encoded["train"],
            self.prepared.head,
            self.recipe.method,
            self.recipe.train,
            self.accelerator,
            checkpoint=self.folder / CHECKPOINT,
            checkpoint_key=checkpoint_key,
        )
        with self.phases.measure("train"):
            progressed = training.run()
        self.result["curve"] = progressed.curve
        return training.model, progressed

    def _time_inference(self, model: nn.Module, answers: list[Any]) -> None:
        """Add how long test took, and takes with the method merged: after all else, as merging changes the model."""
        adapted = answers, self.seconds["test"]
        bare = self.accelerator.unwrap_model(model, keep_fp32_wrapper=True)
        # With several processes one that cannot merge would leave the others waiting for its predictions.
        alone = self.accelerator.num_processes == 1
        could = self.merged and alone and latency.merge(bare, self.recipe.method)
        merged = (self._predict(model, "test"), self.seconds["test"]) if could else None
        same = self.prepared.head.answers.same
        self.result["inference"] = latency.measure(adapted, merged, same, self.accelerator.num_processes)

    def _predict(self, model: nn.Module, split: str) -> list[Any]:
        started = time.perf_counter()
        answers = predict(
            model,
            self.prepared.encoded[split],
            self.prepared.head,
            self.accelerator,
            batch_size=self.recipe.evaluate.batch_size,
            what=split,
        )
        self.seconds[split] = time.perf_counter() - started
        return self.prepared.head.answers.judged(answers, self.prepared.examples[split])

    def _score(self, answers: dict[str, list[Any]]) -> None:
        """Add metrics on validation and test, and the reports on test."""
        self.result |= {"metrics": {split: {} for split in answers}, "report": {}}
        head = self.prepared.head
        decoding_signature = "|".join(filter(None, [head.answers.decoding_signature, head.answers.judge_signature]))
        for named in self.recipe.evaluate.metrics:
            metric = make(named)
            self.result.setdefault("headline", metric.headline)
            for split, predictions in answers.items():
                references = head.answers.references(self.prepared.examples[split])
                self.result["metrics"][split] |= score(
                    metric, predictions, references, decoding_signature=decoding_signature
                )
                if split == "test":
                    self._score_baselines(metric, references)
                    if (report := metric.report(*metric.take(predictions, references))) is not None:
                        self.result["report"][name_of(named)] = report

    def _score_baselines(self, metric: Metric, references: list[Any]) -> None:
        scores = self.result.setdefault("baselines", {})
        for name, answers in self._baselines.items():
            if all(map(metric.reads, answers)):
                scored = score(
                    metric, answers, references, decoding_signature=self.prepared.head.answers.judge_signature
                )
                scores.setdefault(name, {}).update(scored)

    @cached_property
    def _baselines(self) -> dict[str, list[Any]]:
        """Return what the task's trivial baselines answer on test, after the training examples that the model had."""
        train, test = self.prepared.examples["train"], self.prepared.examples["test"]
        names = find("task", self.recipe.task).baselines
        return {name: self.prepared.head.answers.judged(find("baseline", name)(train, test), test) for name in names}

    def _save(self, model: nn.Module, predictions: list[Any]) -> None:
        shutil.rmtree(self.folder / round_trip.MODEL, ignore_errors=True)
        self.result["model"]["adapter_bytes"] = artifacts.save(
            model, self.folder / round_trip.MODEL, self.recipe.method
        )
        references = self.prepared.head.answers.references(self.prepared.examples["test"])
        if samples := self._samples(predictions, references):
            self.result["samples"] = samples
        round_trip.write_trial(self.folder, self.prepared, predictions, references)
        self.result["artifacts"] = {
            "folder": f"{self.id}/{round_trip.MODEL}",
            "predictions": f"{self.id}/{round_trip.PREDICTIONS}",
        }

    def _samples(self, predictions: list[Any], references: list[Any]) -> list[dict[str, Any]]:
        """Return the first test examples with what the model answered, where the head shows them."""
        shown = [self.prepared.head.answers.shown(example) for example in self.prepared.examples["test"][:SAMPLES]]
        return [
            {"prompt": prompt, "prediction": answer, "reference": right}
            for prompt, answer, right in zip(shown, predictions, references, strict=False)
            if prompt is not None
        ]

    def _write_failure(self, error: Exception) -> None:
        """Write a failed result: whichever process fails first does it, as the others fail only because of it."""
        try:
            (self.folder / "failed").touch(exist_ok=False)
            self.result["error_type"] = type(error).__name__
            self.result["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
            if isinstance(error, PefbenchError):
                self.result["error"] = str(error)
                (self.folder / CHECKPOINT).unlink(missing_ok=True)
            if self.replaces:
                say(f"warning: the rerun failed; the finished result stays: {self.path}")
            else:
                self._write()
        except (OSError, PefbenchError):
            say(f"warning: the failed result could not be written to {self.path}")

    def _replace(self) -> None:
        """Put a rerun's folder in the place of the one that it runs again."""
        if self.replaces is None:
            return
        shutil.rmtree(self.replaces, ignore_errors=True)
        self.folder = self.folder.replace(self.replaces)

    def _write(self) -> None:
        self.result["provenance"]["finished"] = provenance.now()
        store.write_json(self.path, self.result)

    def _announce(self) -> None:
        sizes = ", ".join(f"{len(examples)} {split}" for split, examples in self.prepared.examples.items())
        model = self.result["model"]
        say(
            f"{self.recipe.name}: {self.recipe.method.name} on {self.recipe.model.name}, "
            f"{model['trainable_parameters']:,} of {model['parameters']:,} weights trained; {sizes} examples; "
            f"{self.recipe.train.precision}, {self.accelerator.num_processes} process(es)"
        )
        for warning in self.result["warnings"]:
            say(f"warning: {warning}")

    def _provenance(self, started: str) -> dict[str, Any]:
        return {
            "command": self.command,
            "commit": self.commit,
            "dirty": self.dirty,
            "packages": provenance.packages(),
            "hardware": provenance.hardware(),
            "world_size": self.accelerator.num_processes,
            "precision": self.recipe.train.precision,
            "started": started,
            "finished": started,
        }

    def _data(self) -> dict[str, Any]:
        corpus = self.prepared.corpus
        return {
            "source": self.recipe.data.source,
            "revision": corpus.revision,
            "fingerprint": corpus.fingerprint,
            "skipped": len(corpus.skipped),
            "splits": {
                split: {
                    "examples": len(encoded),
                    "tokens": int(encoded.lengths.sum()),
                    "truncated": encoded.truncated,
                    "dropped": corpus.dropped[split],
                }
                for split, encoded in self.prepared.encoded.items()
            },
        }

    def _phases(self, progressed: Progressed) -> dict[str, Any]:
        costs: dict[str, dict[str, float]] = self.phases.costs
        costs["train"] |= {
            "seconds": progressed.seconds,
            "steps": progressed.step,
            "tokens": progressed.tokens,
            "padding_fraction": 1 - progressed.tokens / progressed.padded,
            "tokens_per_second": progressed.tokens / progressed.seconds,
        }
        return costs
