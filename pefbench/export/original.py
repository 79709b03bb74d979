"""A trial as it is: its model, its test examples, and what the one answers to the other. Every export is held to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.inference import kind as kinds
from pefbench.inference import loading
from pefbench.inference.model import Model
from pefbench.results.store import read_result
from pefbench.trial import build, devices, portable
from pefbench.trial.cache import Shared
from pefbench.trial.folder import read_predictions
from pefbench.trial.phases import Phases
from pefbench.trial.predict import predict
from pefbench.trial.prepare import prepare
from pefbench.trial.saved import MODEL, TRIAL, check_model, read_trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.head import Head
    from pefbench.inference.kind import Answer, Json, Kind, Query
    from pefbench.results.schema import Result
    from pefbench.trial.prepare import Prepared
    from pefbench.trial.saved import SavedTrial


@dataclass(frozen=True)
class Original:
    """A trial that is to be exported.

    prepared: its recipe with fp32 for its precision, so that an export is compared with the numbers behind rounding.
    head: with the trial's thresholds. examples: those of the test split that are replayed. precision: the trial's own.
    """

    folder: Path
    saved: SavedTrial
    result: Result
    prepared: Prepared
    head: Head
    kind: Kind
    examples: Sequence[Any]
    precision: str

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer."""
        return self.prepared.tokenizer

    @property
    def kind_name(self) -> str:
        """The kind of head: its module in `heads/`."""
        return self.saved["head"]["kind"]

    @property
    def model_folder(self) -> Path:
        """Where the trial saved its model."""
        return self.folder / MODEL

    @cached_property
    def inputs(self) -> list[Json]:
        """The examples as inputs, JSON-able."""
        return [self.kind.input_of(example) for example in self.examples]

    def queries(self, tokenizer: PreTrainedTokenizerFast) -> list[Query]:
        """The inputs as the head reads them with this tokenizer."""
        length = self.prepared.recipe.train.max_length
        if self.kind.columns:
            return [self.kind.ask(given, self.head, tokenizer, length) for given in self.inputs]
        found = [self.kind.asked(example, self.head) for example in self.examples]
        return [replace(query, number=number) for number, query in enumerate(found)]

    def model(self) -> nn.Module:
        """The trial's model, loaded anew in fp32."""
        return build.saved(self.prepared, self.model_folder).eval()

    def answers(self, model: nn.Module, tokenizer: PreTrainedTokenizerFast) -> list[Answer]:
        """What a model answers to the examples."""
        asked = Model(replace(self.prepared, tokenizer=tokenizer), self.head, self.kind, model)
        return asked.answers(self.queries(tokenizer))

    def recorded_alike(self, model: nn.Module) -> int:
        """How many of the examples the trial's model answers in fp32 as the trial has recorded."""
        encoded = self.head.encode(self.tokenizer, self.examples, self.prepared.recipe.train.max_length)
        found = predict(
            model,
            encoded,
            self.head,
            devices.accelerator("fp32"),
            batch_size=self.prepared.recipe.evaluate.batch_size,
            what="test",
        )
        judged = self.head.answers.judged(found, self.examples)
        return sum(map(self.head.answers.same, read_predictions(self.folder), judged))


def read(trial: Path, base: str | None, most: int | None) -> Original:
    """A trial with its data. base: where the pretrained model lies now. most: of the test examples, the first only.

    Raises a UserError for what is no whole, finished trial, and where its model or its data cannot be had as they were.
    """
    folder = loading.find(trial)
    if not (folder / TRIAL).is_file():
        raise DataError(
            f"{folder}: the model's folder alone, without the trial's predictions, which an export is held to; give "
            "the trial's folder results/RECIPE/ID"
        )
    result = folder.with_name(f"{folder.name}.json")
    if not result.is_file():
        raise DataError(f"{result}: the trial's result is not beside its folder; copy it there")
    saved = read_trial(folder)
    check_model(folder, saved)
    if "head" not in saved:
        raise DataError(f"{folder}: saved by an older pefbench, without its head; run the trial again")
    kind = kinds.find(saved["head"]["kind"])
    recipe = loading.recipe_of(folder, saved, base)
    precise = recipe.train.model_copy(update={"precision": "fp32"})
    shared = Shared()
    prepared = prepare(recipe.model_copy(update={"train": precise}), Phases(), ["test"], shared)
    if prepared.corpus.fingerprint != saved["fingerprint"]:
        raise DataError(f"{recipe.data.source}: the data have changed since {folder} was trained")
    portable.check_base(prepared, saved, shared)
    return Original(
        folder=folder,
        saved=saved,
        result=read_result(result),
        prepared=prepared,
        head=prepared.head.with_thresholds(saved.get("thresholds", {})),
        kind=kind,
        examples=prepared.examples["test"][:most],
        precision=recipe.train.precision,
    )
