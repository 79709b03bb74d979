"""The scores of a trial: metrics on every split; on test also reports, trivial baselines and a few examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.importing import imports
from pefbench.metrics import make, name_of, no_better, score
from pefbench.registry import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.metrics._base import Metric
    from pefbench.recipe import Recipe
    from pefbench.results.classification_report import Report
    from pefbench.results.schema import MetricValue, Reached, Sample
    from pefbench.trial.prepare import Prepared

    Metrics = Mapping[str, Metric]
    Values = dict[str, MetricValue]

SAMPLES = 5
"""Number of test examples shown whole in the result, for heads that show their answers."""


def metrics_of(recipe: Recipe) -> dict[str, Metric]:
    """The recipe's metrics, by name."""
    return {name_of(named): make(named) for named in recipe.evaluate.metrics}


def import_scorers(recipe: Recipe) -> None:
    """Import everything that the recipe's metrics need to score."""
    metrics_of(recipe)
    imports.settle("pefbench.metrics", "seqeval")


def baseline_answers(prepared: Prepared) -> dict[str, list[Any]]:
    """The answers of the task's trivial baselines on test, by name; they learn from the model's training examples."""
    train, test = prepared.examples["train"], prepared.examples["test"]
    names = find("task", prepared.recipe.task).baselines
    return {name: prepared.head.answers.judged(find("baseline", name)(train, test), test) for name in names}


def score_trial(
    prepared: Prepared, predictions: Mapping[str, Sequence[Any]], baselines: Mapping[str, Sequence[Any]]
) -> Reached:
    """All scores of a trial's predictions, by split; with the test split also reports, baselines and samples."""
    metrics = metrics_of(prepared.recipe)
    answers = prepared.head.answers
    signature = "|".join(filter(None, [answers.decoding_signature, answers.judge_signature]))
    references = {split: answers.references(prepared.examples[split]) for split in predictions}
    clusters = {split: answers.clusters(prepared.examples[split]) for split in predictions}
    found: Reached = {
        "metrics": {
            split: _values(metrics, predicted, references[split], clusters[split], signature)
            for split, predicted in predictions.items()
        },
        "headline": next(iter(metrics.values())).headline,
        "report": {},
    }
    if "test" in predictions:
        found["report"] = reports(metrics, predictions["test"], references["test"])
        found["baselines"] = _baselines(
            baselines, metrics, predictions["test"], references["test"], clusters["test"], answers.judge_signature
        )
        if samples := _samples(prepared, predictions["test"], references["test"]):
            found["samples"] = samples
    return found


def _values(
    metrics: Metrics,
    predictions: Sequence[Any],
    references: Sequence[Any],
    clusters: Sequence[str] | None,
    signature: str,
) -> Values:
    found: Values = {}
    for metric in metrics.values():
        found |= score(metric, predictions, references, decoding_signature=signature, clusters=clusters)
    return found


def reports(metrics: Metrics, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Report]:
    """Precision, recall and F1 of each class, for the metrics that have classes."""
    found = {name: metric.report(*metric.take(predictions, references)) for name, metric in metrics.items()}
    return {name: report for name, report in found.items() if report is not None}


def _baselines(
    baselines: Mapping[str, Sequence[Any]],
    metrics: Metrics,
    model: Sequence[Any],
    references: Sequence[Any],
    clusters: Sequence[str] | None,
    signature: str,
) -> dict[str, Values]:
    """Scores of baselines on test, and whether the model is better; without those that a metric cannot score."""
    scores: dict[str, Values] = {}
    for name, predictions in baselines.items():
        able = {key: metric for key, metric in metrics.items() if all(map(metric.reads, predictions))}
        if able:
            scores[name] = _values(able, predictions, references, clusters, signature)
            for metric in able.values():
                for value, p in no_better(metric, model, predictions, references, clusters=clusters).items():
                    scores[name][value]["p_model_no_better"] = p
    return scores


def _samples(prepared: Prepared, predictions: Sequence[Any], references: Sequence[Any]) -> list[Sample]:
    """The first test examples and the model's answers, for heads that show them."""
    shown = [prepared.head.answers.shown(example) for example in prepared.examples["test"][:SAMPLES]]
    return [
        {"prompt": prompt, "prediction": answer, "reference": right}
        for prompt, answer, right in zip(shown, predictions, references, strict=False)
        if prompt is not None
    ]
