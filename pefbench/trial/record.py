"""The record of a trial: each step adds to it, and it becomes the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import remarks
from pefbench.errors import PefbenchError, counted, one_line
from pefbench.models import frozen, loading
from pefbench.results import provenance
from pefbench.results.schema import SCHEMA
from pefbench.trial.adapters import joined_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal, Unpack

    from torch import nn

    from pefbench.recipe import Recipe
    from pefbench.results.schema import Data, Model, Phase, Phases, Provenance, Reached, Result, TrainPhase
    from pefbench.trial.cache import Shared
    from pefbench.trial.prepare import Prepared
    from pefbench.trial.progressed import Progressed


class TrialRecord:
    """What is known of a trial so far. `finish` or `fail` turns it into a result."""

    def __init__(self, trial_id: str, recipe: Recipe, scored: Sequence[str], origin: Provenance) -> None:
        self.trial_id, self.recipe, self.scored, self.origin = trial_id, recipe, list(scored), origin
        self.reached: Reached = {}

    def add(self, **found: Unpack[Reached]) -> None:
        """Add what the trial has reached."""
        self.reached.update(found)

    def note_starts(self, first: str, *later: str) -> None:
        """Record when the trial first started, and when it was resumed from a checkpoint."""
        self.origin["started"] = first
        if later:
            self.origin["resumed"] = list(later)

    def finish(self) -> Result:
        """The result of a trial that succeeded."""
        return self._result("finished", None)

    def fail(self, error: Exception) -> Result:
        """The result of a trial that ended with this error, with everything that it reached before."""
        line = str(error) if isinstance(error, PefbenchError) else f"{type(error).__name__}: {error}".splitlines()[0]
        self.add(error_type=type(error).__name__)
        return self._result("failed", one_line(line))

    def _result(self, status: Literal["finished", "failed"], error: str | None) -> Result:
        return {
            "schema": SCHEMA,
            "id": self.trial_id,
            "status": status,
            "error": error,
            "recipe": self.recipe.resolved(),
            "scored": self.scored,
            "provenance": {**self.origin, "finished": provenance.now()},
            **self.reached,
        }


def origin_of(recipe: Recipe, *, command: str, world_size: int, started: str) -> Provenance:
    """The provenance of a trial's result."""
    commit, dirty = provenance.commit()
    return {
        "command": command,
        "commit": commit,
        "dirty": dirty,
        "packages": provenance.packages(),
        "hardware": provenance.machine(),
        "world_size": world_size,
        "precision": recipe.train.precision,
        "started": started,
        "finished": started,
    }


def data_of(prepared: Prepared) -> Data:
    """The data set as used, without the rows that were left out."""
    corpus = prepared.corpus
    return {
        "source": prepared.recipe.data.source,
        "revision": corpus.revision,
        "fingerprint": corpus.fingerprint,
        "skipped": len(corpus.skipped),
        "splits": {
            split: {
                "examples": len(encoded),
                "tokens": int(encoded.tokens.sum()),
                "truncated": encoded.truncated,
                "dropped": corpus.dropped[split],
                "near_duplicates": corpus.near_duplicates.get(split, 0),
            }
            for split, encoded in prepared.encoded.items()
        },
    }


def model_of(prepared: Prepared, model: nn.Module, parameters: int, shared: Shared) -> Model:
    """The model with the method applied; the adapter's size is not known yet. parameters: those of the model before."""
    trainable = loading.count(model, trainable=True)
    found: Model = {
        "name": prepared.recipe.model.name,
        "fingerprint": shared.fingerprint(prepared.base),
        "settings": shared.settings(prepared.start),
        "parameters": parameters,
        "trainable_parameters": trainable,
        "trainable_percent": 100 * trainable / parameters,
        "frozen": frozen.held(model),
        "adapter_bytes": None,
    }
    if prepared.adapters:
        found["adapters"] = [adapter.stated() for adapter in prepared.adapters]
        found["fingerprint"] = joined_fingerprint(found["fingerprint"], found["adapters"])
    return found


def announcement(recipe: Recipe, reached: Reached, processes: int) -> list[str]:
    """What will be trained, with notes and warnings, as lines to print."""
    model = reached["model"]
    sizes = ", ".join(f"{split['examples']} {name}" for name, split in reached["data"]["splits"].items())
    line = (
        f"{recipe.name}: {recipe.method.name} on {recipe.model.name}{_with(model)}, "
        f"{model['trainable_parameters']:,} of {model['parameters']:,} weights trained; {sizes} examples; "
        f"{recipe.train.precision}, {counted(processes, 'process', 'processes')}"
    )
    return [line, *remarks.lines(reached["notes"], reached["warnings"])]


def _with(model: Model) -> str:
    """The adapters that training starts from, to be printed."""
    how = {"merge": "merged", "stack": "stacked"}
    return "".join(f" with {each['source']} ({how[each['mode']]})" for each in model.get("adapters", []))


def phases_of(costs: Mapping[str, Phase], progressed: Progressed) -> Phases:
    """The cost of each phase that was reached; the seconds of training are those of its steps alone.

    Times and peaks of training and validation cover all starts of the trial.
    """
    peaks = {
        name: max(progressed.peaks.get(name, 0), costs[name]["peak_memory_bytes"] if name in costs else 0)
        for name in ("train", "validate")
    }
    train: TrainPhase = {
        **costs["train"],
        "seconds": progressed.training.seconds,
        "peak_memory_bytes": peaks["train"],
        "steps": progressed.step,
        "tokens": progressed.tokens,
        "padding_fraction": 1 - progressed.tokens / progressed.padded,
        "tokens_per_second": progressed.tokens / progressed.training.seconds,
    }
    if "processor_seconds" in train:
        train["processor_seconds"] = progressed.training.processor_seconds
    phases: Phases = {"load": costs["load"], "tokenize": costs["tokenize"], "train": train}
    if "evaluate" in costs:
        phases["evaluate"] = costs["evaluate"]
    if progressed.validation.seconds:
        phases["validate"] = {"seconds": progressed.validation.seconds, "peak_memory_bytes": peaks["validate"]}
        if "processor_seconds" in train:
            phases["validate"]["processor_seconds"] = progressed.validation.processor_seconds
    return phases
