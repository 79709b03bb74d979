"""The trial to be exported: its model, its test examples and its answers to them. Exports are checked against these."""

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

    prepared: its recipe, with precision fp32, so that exports are compared with unrounded numbers. head: with the
    trial's thresholds. kind: None for generated texts; an answer is then the head's prediction. examples: the test
    examples that are replayed. recorded: the trial's predictions on the whole test split. precision: the trial's own.
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
        """The folder in which the trial saved its model."""
        return self.folder / MODEL

    @cached_property
    def inputs(self) -> list[Json]:
        """The examples as inputs, as JSON values."""
        if self.kind is None:
            return [{"prompt": self.head.answers.prompt(example)} for example in self.examples]
        return [self.kind.input_of(example) for example in self.examples]

    def queries(self, tokenizer: PreTrainedTokenizerFast, kind: Kind) -> list[Query]:
        """The inputs as the head reads them with this tokenizer."""
        if not kind.columns:  # the task defines its inputs, so use its examples directly
            return [kind.query_of(example, self.head) for example in self.examples]
        length = self.prepared.recipe.train.max_length
        return [kind.query(given, self.head, tokenizer, length) for given in self.inputs]

    def model(self) -> nn.Module:
        """Load the trial's model in fp32."""
        return build.saved(self.prepared, self.model_folder).eval()

    def answers(self, model: nn.Module, tokenizer: PreTrainedTokenizerFast, head: Head | None = None) -> list[Answer]:
        """A model's answers to the examples. head: replaces the trial's if the model needs another."""
        if self.kind is None:
            return [{"prediction": found} for found in self.predictions(model, tokenizer)]
        model_in_fp32 = Model(replace(self.prepared, tokenizer=tokenizer), head or self.head, self.kind, model)
        return model_in_fp32.answers(self.queries(tokenizer, self.kind))

    def predictions(self, model: nn.Module, tokenizer: PreTrainedTokenizerFast) -> list[Any]:
        """A model's predictions on the examples, computed as in the trial."""
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
        """Answers as the head's predictions, as metrics read them."""
        kind = self.kind
        if kind is None:
            return self.head.answers.judged([answer["prediction"] for answer in answers], self.examples)
        pairs = zip(answers, self.queries(self.tokenizer, kind), strict=True)
        return [kind.prediction(answer, query, self.head) for answer, query in pairs]

    def recorded_alike(self, model: nn.Module, answers: Sequence[Answer]) -> int:
        """On how many examples the trial's model agrees with the recorded predictions. answers: the model's own."""
        if self.kind is None:
            found = self.as_predictions(answers)
        else:
            found = self.head.answers.judged(self.predictions(model, self.tokenizer), self.examples)
        return sum(map(self.head.answers.same, self.recorded, found))


def read(trial: Path, base: str | None, most: int | None, *, as_predict: bool = False) -> Original:
    """Read a trial with its data. base: the pretrained model's present place. most: use only the first test examples.

    as_predict: see `Format`.

    Raises a UserError if the trial is incomplete or unfinished, or its model or data are missing or changed.
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
    shared = Shared()
    prepared = prepare(recipe.with_train(precision="fp32"), Phases(), ["test"], shared, saved=folder / MODEL)
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
