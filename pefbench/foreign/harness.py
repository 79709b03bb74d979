"""One task of one evaluation by lm-evaluation-harness, as a result.

The harness compares models and does not record how they were made: base model, method, training and costs are unknown.
The result is named after the evaluated model.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.foreign import samples as logs
from pefbench.foreign import values
from pefbench.foreign.aggregated import HIGHER, UNTOLD, moment_of
from pefbench.foreign.imported import UNKNOWN, UNVERIFIED, Imported, provenance, result_of
from pefbench.foreign.reading import number, section, short_digest, text
from pefbench.remarks import Odd, Remarks
from pefbench.sources.transport.digests import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.foreign.aggregated import Aggregated, Key
    from pefbench.foreign.samples import Sample, Samples
    from pefbench.results.predictions import AnsweredExample
    from pefbench.results.schema import Data, MetricValue

TOOL = "lm-evaluation-harness"
FRACTIONS = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em"})
"""Metrics assumed to be a fraction of right answers if there is neither a log nor a standard error."""
NO_MEANS = frozenset({"perplexity"})
"""Metrics whose logged numbers are not the averaged values; without a results file this cannot be detected."""


class NothingScoredError(DataError):
    """A task without a score that says whether higher is better."""


@dataclass(frozen=True)
class Evaluation:
    """One task of one evaluation: its results file, its log, or both."""

    task: str
    results: Aggregated | None
    log: Path | None

    @property
    def path(self) -> Path:
        """The file that messages name."""
        return self.log or (self.results and self.results.path)  # type: ignore[return-value]  # there is one

    @property
    def scores(self) -> dict[Key, float]:
        """The scores in the results file."""
        return self.results.scores(self.task) if self.results else {}

    @property
    def model(self) -> str:
        """The evaluated model, from the results file or from the folder's name, which the harness derives from it."""
        return (self.results.model if self.results else None) or self.path.resolve().parent.name or UNKNOWN

    def higher_is_better(self, metric: str) -> bool | None:
        """The direction of a metric; None if unknown."""
        told = self.results.higher_is_better(self.task, metric) if self.results else None
        return HIGHER.get(metric) if told is None else told

    def about_task(self, name: str) -> str:
        """The task's entry in one of the results file's tables."""
        return self.results.of_task(name, self.task) if self.results else UNTOLD


def imported(evaluation: Evaluation, questions: int | None, metric: str | None) -> Imported:
    """A task's result. questions: their number, if no file records it. metric: the headline, if the task has it.

    Raises NothingScoredError for a task without a usable score, and DataError if the files are damaged or contradict
    each other or `questions`.
    """
    filters = [*dict.fromkeys(filtered for _, filtered in evaluation.scores)]
    samples = logs.read(evaluation.log, filters) if evaluation.log else None
    count = _questions(evaluation, samples, questions)
    found = _Scored(evaluation, samples, count)
    headline = _headline(found.metrics, metric)
    if metric is not None and not is_named(headline, metric):
        found.remarks.append(Odd(f"no {metric} here (--metric): ranked by {headline}"))
    rows = _rows(samples, found, headline) if samples and headline in found.per_example else []
    return Imported(_result(evaluation, samples, found, headline), rows)


class _Scored:
    """A task's metrics, those of them that are means over examples, and remarks on the others."""

    def __init__(self, evaluation: Evaluation, samples: Samples | None, count: int | None) -> None:
        self.metrics: dict[str, MetricValue] = {}
        self.per_example: dict[str, Key] = {}
        self.remarks: list[str] = [] if evaluation.results else [_NO_RESULTS_FILE]
        self._evaluation, self._samples, self._count = evaluation, samples, count
        told = evaluation.scores
        logged = [(name, each) for each in samples.by_filter for name in samples.questions[0].scores] if samples else []
        for key in dict.fromkeys([*told, *logged]):
            self._add(key, told.get(key))
        if not self.metrics:
            why = "; ".join(self.remarks) or "the files have none"
            raise NothingScoredError(f"{evaluation.path}: {evaluation.task}: no usable metric; {why}")
        self._refuse_part(told)

    def _add(self, key: Key, told: float | None) -> None:
        metric, filtered = key
        name = metric if filtered == logs.NO_FILTER else f"{metric},{filtered}"
        higher = self._evaluation.higher_is_better(metric)
        scores = self._example_scores(key)
        if higher is None:
            advice = "" if self._evaluation.results else "; keep the results file beside the log"
            self.remarks.append(Odd(f"{name} left out: the files do not say whether higher is better{advice}"))
        elif scores and _average(metric, scores, told):
            self.metrics[name] = values.from_examples(name, scores, self._signature(key), higher=higher)
            self.per_example[name] = key
        elif told is None:
            self.remarks.append(Odd(f"{name} left out: only the results file has its value, and that file is missing"))
        else:
            self.metrics[name] = self._without_examples(name, key, told, higher=higher)

    def _without_examples(self, name: str, key: Key, told: float, *, higher: bool) -> MetricValue:
        results, count = self._evaluation.results, self._count
        error = results.errors(self._evaluation.task).get(key) if results else None
        if count is not None and not self._samples and _is_fraction(key[0], told, error, count):
            return values.proportion(told, count, self._signature(key), higher=higher)
        if count is None:
            why = "the number of questions is not known"
        elif self._samples:
            why = "it is not the mean of the logged values"
        else:
            why = "it is not a fraction of right answers, and its log is missing"
        self.remarks.append(f"{name} has no interval: {why}")
        return values.score_only(told, count, self._signature(key), higher=higher)

    def _example_scores(self, key: Key) -> list[float] | None:
        """A metric's value on each question; None if the values are not numbers or there is no log."""
        metric, filtered = key
        if self._samples is None or filtered not in self._samples.by_filter:
            return None
        found = [number(each.scores.get(metric)) for each in self._samples.by_filter[filtered]]
        return None if None in found else [score for score in found if score is not None]

    def _signature(self, key: Key) -> str:
        """Everything recorded that the value depends on, so that different evaluations are never ranked together."""
        evaluation = self._evaluation
        version = (evaluation.results.version if evaluation.results else None) or UNTOLD
        parts = {
            "metric": key[0],
            "filter": key[1],
            "task version": evaluation.about_task("versions"),
            "shots": evaluation.about_task("n-shot"),
            **(evaluation.results.asked(evaluation.task) if evaluation.results else {}),
            "questions": UNTOLD if self._count is None else str(self._count),
            "v": version,
        }
        return "|".join([TOOL, *(f"{name}:{value}" for name, value in parts.items())])

    def _refuse_part(self, told: dict[Key, float]) -> None:
        """Raise DataError for a log that lacks questions, so that none of its scores matches the results file."""
        results, samples, log = self._evaluation.results, self._samples, self._evaluation.log
        expected = results.questions(self._evaluation.task) if results else None
        if (
            samples
            and expected not in {None, len(samples.questions)}
            and not told.keys() & {*self.per_example.values()}
        ):
            raise DataError(
                f"{log}: {len(samples.questions):,} questions, but the results file has {expected:,} and other "
                "scores; is the log complete?"
            )


_NO_RESULTS_FILE = "no results file beside the log: scores are means over its questions; shots and versions are unknown"


def _is_fraction(metric: str, told: float, error: float | None, count: int) -> bool:
    """Whether a score without a log is a fraction of right answers. The standard error shows that, unless it is 0."""
    telling = error is not None and 0 < told < 1
    return (telling or metric in FRACTIONS) and values.is_of_rights(told, error, count)


def _average(metric: str, scores: list[float], told: float | None) -> bool:
    """Whether a metric is the mean of its values on the examples."""
    if told is None:
        return metric not in NO_MEANS
    return math.isclose(sum(scores) / len(scores), told, rel_tol=1e-6, abs_tol=1e-9)


def _questions(evaluation: Evaluation, samples: Samples | None, given: int | None) -> int | None:
    known = len(samples.questions) if samples else None
    if known is None and evaluation.results:
        known = evaluation.results.questions(evaluation.task)
    if None not in {known, given} and known != given:
        raise DataError(f"{evaluation.path}: {evaluation.task}: {known:,} questions, not {given:,} (--questions)")
    return given if known is None else known


def is_named(metric: str, wanted: str) -> bool:
    """Whether `wanted` names this metric, with its filter (`exact_match,strict-match`) or without."""
    return wanted in {metric, metric.partition(",")[0]}


def _headline(metrics: dict[str, MetricValue], wanted: str | None) -> str:
    first = next((name for name, metric in metrics.items() if metric["low"] is not None), next(iter(metrics)))
    if wanted is None:
        return first
    return next((name for name in metrics if is_named(name, wanted)), first)


def _rows(samples: Samples, found: _Scored, headline: str) -> list[AnsweredExample]:
    """A row for each question, with the answer under the headline's filter."""
    metric, filtered = found.per_example[headline]
    best = 1 if found.metrics[headline]["higher_is_better"] else 0
    scores = {
        name: [number(each.scores[key[0]]) or 0.0 for each in samples.by_filter[key[1]]]
        for name, key in found.per_example.items()
    }
    return [
        {
            "id": each.question,
            "prediction": _prediction(each, metric),
            "reference": each.target,
            "correct": each.scores[metric] == best,
            "digest": each.digest,
            "scores": {name: of_metric[position] for name, of_metric in scores.items()},
        }
        for position, each in enumerate(samples.by_filter[filtered])
    ]


def _prediction(sample: Sample, metric: str) -> Any:
    """The answer as logged; for log-likelihoods of options, also the option that `acc` takes as the answer."""
    told = _log_likelihoods(sample.answer)
    if told is None:
        return sample.answer
    # With acc_mutual_info every option is listed twice.
    is_told = metric == "acc" and len(told) > 1 and "acc_mutual_info" not in sample.scores
    return {"log_likelihoods": told} | ({"choice": told.index(max(told))} if is_told else {})


def _log_likelihoods(answer: Any) -> list[float] | None:
    """The log-likelihoods, if an answer consists of pairs (log-likelihood, whether the text is the most likely one)."""
    pairs = [answer] if _is_pair(answer) else answer
    return (
        [float(pair[0]) for pair in pairs] if isinstance(pairs, list) and pairs and all(map(_is_pair, pairs)) else None
    )


def _is_pair(value: Any) -> bool:
    if not (isinstance(value, list) and len(value) == 2 and str(value[1]) in {"True", "False"}):
        return False
    try:
        return math.isfinite(float(value[0]))
    except (TypeError, ValueError):
        return False


def _result(evaluation: Evaluation, samples: Samples | None, found: _Scored, headline: str) -> Any:
    results, path = evaluation.results, evaluation.path
    remarks = Remarks.of(found.remarks)
    value = results.value if results else {}
    files = [file for file in (evaluation.log, results.path if results else None) if file is not None]
    finished = (results.finished if results else None) or moment_of(path)
    recipe = {
        "name": evaluation.model,
        "task": evaluation.task,
        "model": {"name": UNKNOWN},
        "method": {"name": UNKNOWN},
        "train": {},
        "evaluate": {"date": finished, "dtype": text(section(value, "config").get("model_dtype"))},
    }
    packages = {"lm_eval": value.get("lm_eval_version"), "transformers": value.get("transformers_version")}
    count = found.metrics[headline]["examples"]
    return result_of(
        {
            "tool": TOOL,
            "version": results.version if results else None,
            "files": {each.name: digest_of(each) for each in files},
        },
        recipe,
        provenance(path.name, finished, (results.started if results else None) or finished, UNKNOWN, packages),
        {
            "data": _data(evaluation, samples, count),
            "model": {"name": evaluation.model, "fingerprint": UNKNOWN, "adapter_bytes": None},
            "phases": {},
            "metrics": {"test": found.metrics},
            "headline": headline,
            "notes": remarks.notes,
            "warnings": remarks.warnings,
        },
        measured=[digest_of(path), evaluation.model],  # two models may give identical answers
    )


def _data(evaluation: Evaluation, samples: Samples | None, count: int | None) -> Data:
    """The data: identified by the hashes of the questions if there is a log, otherwise by name."""
    config = section(evaluation.results.value, "configs", evaluation.task) if evaluation.results else {}
    named = [config.get(name) for name in ("dataset_path", "dataset_name", "test_split")]
    source = "/".join(each for each in named if isinstance(each, str)) or evaluation.task
    if samples is None:
        fingerprint = f"{UNVERIFIED}{short_digest([source, count])}"
    else:
        told = "\n".join(f"{each.question} {each.digest}" for each in samples.questions)
        fingerprint = hashlib.sha256(told.encode()).hexdigest()
    test = {"test": {"examples": count}} if count is not None else {}
    return {"source": f"{TOOL}: {source}", "fingerprint": fingerprint, "splits": test}  # type: ignore[typeddict-item]
