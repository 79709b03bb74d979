"""The assistant's rule: chosen on validation, measured on test, and stored in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from pefbench.apps import kept
from pefbench.apps.assistant import answering, rule
from pefbench.apps.assistant.bounds import clopper_pearson, part
from pefbench.atomic import write_json
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.apps.assistant.answering import Judge
    from pefbench.apps.assistant.held_out import Question
    from pefbench.apps.assistant.retrieval import Index

BATCH = 256
TRAIN = "pefbench app assistant train"


Limits = Mapping[str, float | None]
"""The limits that a rule must keep, by their names in the configuration."""


class Measured(TypedDict):
    """The rule's results on questions that were not used to choose it."""

    questions: int
    answered: int
    wrong: int
    low: float  # of the 95 % interval of the share of wrong answers
    high: float
    outside: int  # questions out of scope, and how many of them were answered
    let_through: int


def choose(
    judge: Judge, index: Index, questions: Sequence[Question], rate: float, risk: float, share: float | None
) -> rule.Rule:
    """Choose the rule on held-out questions: one group in four for the confidence, the others for the threshold.

    share: the share of future questions that are out of scope; None: as among these. Raises DataError.
    """
    asked = _asked(judge, index, questions)
    fitting, deciding = rule.divided(asked)
    if not deciding or not any(len(each.right) for each in fitting):
        raise DataError(f"held-out questions: {len(questions):,}, too few to choose when to answer; bring more")
    return rule.fit(fitting, deciding, rate=rate, risk=risk, share=share)


def measure(judge: Judge, index: Index, questions: Sequence[Question], chosen: rule.Rule) -> Measured:
    """Measure the rule on other questions."""
    best = rule.best(chosen, _asked(judge, index, questions))
    found, each = best.at(chosen.threshold), part(best.groups[best.confidences >= chosen.threshold])
    answered, wrong = found.answered + found.let_through, found.wrong + found.let_through
    low, high = clopper_pearson(wrong * each, answered * each)
    return Measured(
        questions=len(questions),
        answered=answered,
        wrong=wrong,
        low=low,
        high=high,
        outside=found.outside,
        let_through=found.let_through,
    )


def _asked(judge: Judge, index: Index, questions: Sequence[Question]) -> list[rule.Asked]:
    """Each question with its candidates' features, and whether each is right."""
    found = []
    for at in range(0, len(questions), BATCH):
        batch = questions[at : at + BATCH]
        texts = [each.text for each in batch]
        for question, judged in zip(batch, judge.judge(index, texts), strict=True):
            right = [each.entry.answer in question.answers for each in judged.candidates]
            outside = not question.answers
            found.append(rule.Asked(judged.features, np.array(right, bool), outside, question.group))
    return found


def write(file: Path, chosen: rule.Rule, measured: Measured, models: Mapping[str, str], limits: Limits) -> None:
    """Store a rule, its test results, the trials with which it was chosen, and the requested limits."""
    values = {
        "rule": asdict(chosen),
        "features": answering.FEATURES,
        "measured": measured,
        "models": dict(models),
        "limits": dict(limits),
    }
    write_json(file, values)


def read(file: Path, models: Mapping[str, str], limits: Limits) -> tuple[rule.Rule, Measured]:
    """The stored rule. Raises DataError if there is none, if it is damaged, or if it is for other models or limits."""
    with kept.reading(file, "rule", TRAIN):
        values = json.loads(file.read_text(encoding="utf8"))
        found, measured = _numbers(values["rule"], len(values["features"]), values["measured"])
        current = values["models"] == dict(models) and values["features"] == list(answering.FEATURES)
        before: Limits = values.get("limits", {})
    if changed := [name for name, value in limits.items() if before.get(name, "") != value]:
        raise DataError(f"{file}: chosen with another value of {', '.join(changed)}; run {TRAIN}")
    if not current:
        raise DataError(f"{file}: chosen with other models; run {TRAIN}")
    return found, measured


def _numbers(fields: Mapping[str, Any], features: int, measured: Measured) -> tuple[rule.Rule, Measured]:
    """A rule and its results. Raises ValueError, KeyError or TypeError unless all are finite numbers.

    fields: as read from the file, so of any types. A threshold of NaN must not pass: no confidence is less than it, so
    it would answer everything.
    """
    found = rule.Rule(**{**fields, "weights": tuple(fields["weights"])})
    single = [value for name, value in asdict(found).items() if name != "weights"]
    results = [measured[name] for name in Measured.__annotations__]  # type: ignore[literal-required]
    if len(found.weights) != features or not all(map(isfinite, [*found.weights, *single, *results])):
        raise ValueError("not a rule")
    return found, measured
