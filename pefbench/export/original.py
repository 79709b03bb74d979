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
from pefbench.trial.fast_paths import batches_fitted
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
    head: with the trial's thresholds. kind: None where texts are generated; an answer is then what the head predicts.
    examples: those of the test split that are replayed. recorded: what the trial answered to all of it. precision: the
    trial's own.
    """

    folder: Path
    saved: SavedTrial
    result: Result
    prepared: Prepared
    head: Head
    kind: Kind | None
    examples: Sequence[Any]
    recorded: Sequence[Any]
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
        if self.kind is None:
            return [{"prompt": self.head.answers.prompt(example)} for example in self.examples]
        return [self.kind.input_of(example) for example in self.examples]

    def queries(self, tokenizer: PreTrainedTokenizerFast, kind: Kind) -> list[Query]:
        """The inputs as the head reads them with this tokenizer."""
        if not kind.columns:  # the task says what an input is, and its examples are there
            return [kind.query_of(example, self.head) for example in self.examples]
        length = self.prepared.recipe.train.max_length
        return [kind.query(given, self.head, tokenizer, length) for given in self.inputs]

    def model(self) -> nn.Module:
        """The trial's model, loaded anew in fp32."""
        return build.saved(self.prepared, self.model_folder).eval()

    def answers(self, model: nn.Module, tokenizer: PreTrainedTokenizerFast, head: Head | None = None) -> list[Answer]:
        """What a model answers to the examples. head: in place of the trial's, where the model needs another."""
        if self.kind is None:
            return [{"prediction": found} for found in self.predictions(model, tokenizer)]
        model_in_fp32 = Model(replace(self.prepared, tokenizer=tokenizer), head or self.head, self.kind, model)
        return model_in_fp32.answers(self.queries(tokenizer, self.kind))

    def predictions(self, model: nn.Module, tokenizer: PreTrainedTokenizerFast) -> list[Any]:
        """What a model predicts of the examples, as the trial predicts."""
        recipe = self.prepared.recipe
        return predict(
            model,
            self.head.encode(tokenizer, self.examples, recipe.train.max_length),
            self.head,
            devices.accelerator("fp32"),
            batch_size=recipe.evaluate.batch_size,
            what="replay",
            fitted=batches_fitted(self.saved.get("fast_paths", [])),
        )

    def as_predictions(self, answers: Sequence[Answer]) -> list[Any]:
        """Answers as the head gives them, and as metrics read them."""
        kind = self.kind
        if kind is None:
            return self.head.answers.judged([answer["prediction"] for answer in answers], self.examples)
        pairs = zip(answers, self.queries(self.tokenizer, kind), strict=True)
        return [kind.prediction(answer, query, self.head) for answer, query in pairs]

    def recorded_alike(self, model: nn.Module, answers: Sequence[Answer]) -> int:
        """How many of the examples the trial's model, whose answers these are, answers as the trial recorded."""
        if self.kind is None:
            found = self.as_predictions(answers)
        else:
            found = self.head.answers.judged(self.predictions(model, self.tokenizer), self.examples)
        return sum(map(self.head.answers.same, self.recorded, found))


def read(trial: Path, base: str | None, most: int | None, *, as_predict: bool = False) -> Original:
    """A trial with its data. base: where the pretrained model lies now. most: of the test examples, the first only.

    as_predict: see `Format`.

    Raises a UserError for what is no whole, finished trial, and where its model or its data cannot be had as they were.
    """
    folder = loading.find(trial)
    if not (folder / TRIAL).is_file():
        raise DataError(
            f"{folder}: only the model's folder, without the trial's predictions to check an export against; give "
            "the trial's folder results/RECIPE/ID"
        )
    result = loading.beside(folder)
    if not result.is_file():
        raise DataError(f"{result}: the trial's result is not beside its folder; copy it there")
    saved = read_trial(folder)
    check_model(folder, saved)
    if "head" not in saved:
        raise DataError(f"{folder}: saved by an older pefbench, without its head; run the trial again")
    recorded, about = read_predictions(folder), read_result(result)
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
        result=about,
        prepared=prepared,
        head=prepared.head.with_thresholds(saved.get("thresholds", {})),
        kind=None if prepared.head.generates and not as_predict else kinds.find(saved["head"]["kind"]),
        examples=prepared.examples["test"][:most],
        recorded=recorded,
        precision=recipe.train.precision,
    )
