"""The rule of an assistant, chosen on validation, measured on test, and kept in a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from pefbench.apps import kept
from pefbench.apps.assistant import answering, rule
from pefbench.errors import DataError
from pefbench.results.store import write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pefbench.apps.assistant.answering import Judge
    from pefbench.apps.assistant.held_out import Question
    from pefbench.apps.assistant.retrieval import Index

BATCH = 256
TRAIN = "pefbench app assistant train"


class Measured(TypedDict):
    """What the rule gives on questions that had no part in choosing it."""

    questions: int
    answered: int
    wrong: int
    low: float  # of the 95 % interval of the share of wrong answers among those given
    high: float


def choose(judge: Judge, index: Index, questions: Sequence[Question], rate: float, risk: float) -> rule.Rule:
    """The rule by held-out questions, every other one for the confidence, the rest for the threshold."""
    judged = _judged(judge, index, questions)
    return rule.fit(
        [each for i, each in enumerate(judged) if i % 2 == 0 and len(each[1])],
        [each for i, each in enumerate(judged) if i % 2 == 1 and len(each[1])],
        rate=rate,
        risk=risk,
    )


def measure(judge: Judge, index: Index, questions: Sequence[Question], chosen: rule.Rule) -> Measured:
    """What the rule gives on further questions."""
    answered = wrong = 0
    for features, right in _judged(judge, index, questions):
        confidences = chosen.confidence(features)
        if len(confidences) and confidences.max() >= chosen.threshold:
            answered += 1
            wrong += not right[confidences.argmax()]
    low, high = rule.clopper_pearson(wrong, answered)
    return Measured(questions=len(questions), answered=answered, wrong=wrong, low=low, high=high)


def _judged(judge: Judge, index: Index, questions: Sequence[Question]) -> list[tuple[rule.Floats, NDArray[np.bool_]]]:
    """The features of each question's candidates, and whether each is right."""
    found = []
    for at in range(0, len(questions), BATCH):
        batch = questions[at : at + BATCH]
        texts = [each.text for each in batch]
        for question, judged in zip(batch, judge.judge(index, texts, [()] * len(texts)), strict=True):
            right = [each.entry.answer in question.answers for each in judged.candidates]
            found.append((judged.features, np.array(right, bool)))
    return found


def write(file: Path, chosen: rule.Rule, measured: Measured, models: Mapping[str, str]) -> None:
    """Keep a rule, what it gave on test, and the trials that it was chosen with."""
    values = {"rule": asdict(chosen), "features": answering.FEATURES, "measured": measured, "models": dict(models)}
    write_json(file, values)


def read(file: Path, models: Mapping[str, str]) -> tuple[rule.Rule, Measured]:
    """A rule that was kept. Raises DataError where there is none, or one of other models."""
    with kept.reading(file, "rule", TRAIN):
        values = json.loads(file.read_text(encoding="utf8"))
        fields = values["rule"]
        found = rule.Rule(**{**fields, "weights": tuple(fields["weights"])})
        current = values["models"] == dict(models) and values["features"] == list(answering.FEATURES)
        measured: Measured = values["measured"]
    if not current:
        raise DataError(f"{file}: chosen with other models; run {TRAIN}")
    return found, measured
