"""Scores on the validation split during training: when, which, and the line printed for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from accelerate.utils import broadcast_object_list

from pefbench.errors import PrunedError, RecipeError
from pefbench.metrics import compute
from pefbench.progress import say
from pefbench.results.classification_report import render
from pefbench.trial.predict import answer, mean_loss
from pefbench.trial.score import metrics_of, reports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from accelerate import Accelerator
    from torch import nn

    from pefbench.recipe import Recipe
    from pefbench.results.classification_report import Report
    from pefbench.results.schema import CurvePoint
    from pefbench.trial.phases import Phases
    from pefbench.trial.predict import Answered
    from pefbench.trial.prepare import Prepared

Watch = Callable[[Sequence["CurvePoint"]], bool]
"""Called on the main process after each evaluation, except the last, with the curve. Returns whether to stop the trial.

It gets the whole curve because a resumed trial has evaluations that this process has not seen.
"""

LOSS = "loss"
"""The name of the validation loss beside the metrics."""


class Validation:
    """Scores a model on the validation split, on all processes alike. Its cost does not count as training.

    reports: also print each class's precision, recall and F1. watch: see `Watch`.
    """

    def __init__(
        self,
        prepared: Prepared,
        accelerator: Accelerator,
        phases: Phases,
        *,
        reports: bool = False,
        watch: Watch | None = None,
    ) -> None:
        self.prepared, self.accelerator, self.phases, self.reports = prepared, accelerator, phases, reports
        self.watch = watch
        self.metrics = metrics_of(prepared.recipe)
        first = next(iter(self.metrics.values()))
        self.headline, self.higher = first.headline, first.higher_is_better[first.headline]
        self.last: Answered | None = None
        """The answers after the last step of the schedule, if its weights are kept: they need not be predicted again.
        """
        self._found: Mapping[str, Report] = {}

    def interval(self, steps_an_epoch: int) -> int:
        """The number of steps between two evaluations."""
        chosen = self.prepared.recipe.train.evaluate
        return chosen if isinstance(chosen, int) else steps_an_epoch

    def score(self, model: nn.Module, *, last: bool) -> dict[str, float]:
        """The finite metrics on validation, by name. last: after the last step, as a part of the final evaluation.

        The final evaluation is the time to predict, so it does not include the time that metrics take, as on test. If
        answers are generated, the loss is added; it is the only score unless the recipe asks for more or this is the
        last evaluation.
        """
        settings, head = self.prepared.recipe.train, self.prepared.head
        values: dict[str, float] = {}
        answered = None
        with self.phases.measure("evaluate" if last else "validate"):
            if head.generates:
                values[LOSS] = mean_loss(
                    model,
                    self.prepared.encoded["validation"],
                    head,
                    self.accelerator,
                    batch_size=settings.micro_batch_size
                    or math.ceil(settings.batch_size / self.accelerator.num_processes),
                )
            if last or not head.generates or settings.evaluate is not None or settings.chooses:
                answered = answer(self.prepared, "validation", model, self.accelerator, trains_on=not last)
        if answered:
            with self.phases.measure("score" if last else "validate"):
                values |= self._metrics(answered)
            self.last = answered if last else None
        return {name: value for name, value in values.items() if math.isfinite(value)}

    def _metrics(self, answered: Answered) -> dict[str, float]:
        """The metrics of the answers; the main process computes them for all."""
        values: list[dict[str, float]] = [{}]
        if self.accelerator.is_main_process:
            references = answered.head.answers.references(self.prepared.examples["validation"])
            for metric in self.metrics.values():
                values[0] |= compute(metric, answered.answers, references)
            if self.reports:
                self._found = reports(self.metrics, answered.answers, references)
        return dict(broadcast_object_list(values)[0])

    def tell(self, point: CurvePoint, total: int, *, best: bool) -> None:
        """Print the line of an evaluation, and the reports if requested."""
        if not self.accelerator.is_main_process:
            return
        found = point["validation"]
        scores = ", ".join(
            f"{name} {found[name]:.4g}" for name in sorted(found, key=lambda name: name != self.headline)
        )
        say(
            f"step {point['step']}/{total}, epoch {point['epoch']:.3g}: loss {point['loss_since_validation']:.4g}; "
            f"validation {scores}{' (best so far)' if best else ''}"
        )
        for name, report in self._found.items():
            say(f"\n{name} on validation\n\n{render(report)}")
        self._found = {}

    def stop_if_unpromising(self, points: Sequence[CurvePoint], total: int) -> None:
        """Raise PrunedError, on all processes, if `watch` stops the trial."""
        point = points[-1]
        if self.watch is None or point["step"] == total:
            return
        stops = [self.accelerator.is_main_process and self.watch(points)]
        if broadcast_object_list(stops)[0]:
            value = point["validation"].get(self.headline, math.nan)
            raise PrunedError(
                f"stopped at step {point['step']} of {total}, where {self.headline} on validation was {value:.4g}: "
                "other settings of the search were better"
            )


def check(recipe: Recipe, scored: Iterable[str]) -> None:
    """Raise RecipeError if the recipe selects weights by a split that the trial does not score."""
    if recipe.train.chooses and "validation" not in scored:
        field = "keep: best" if recipe.train.keep == "best" else f"patience: {recipe.train.patience}"
        raise RecipeError(f"train.{field} needs the validation split, which this trial does not score")
