"""Decides for a text: an answer from the knowledge, or a hand-over, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypedDict

import numpy as np

import pefbench
from pefbench.apps import classifier
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pefbench import Model
    from pefbench.apps.assistant.knowledge import Entry
    from pefbench.apps.assistant.retrieval import Found, Index
    from pefbench.apps.assistant.rule import Rule

    Why = Literal[
        "confident", "as written", "out of scope", "nothing found", "not sure enough", "handed over before", "asked for"
    ]

OUT_OF_SCOPE = "oos"
RETRIEVED = 8
"""How many candidates are retrieved for a text."""
FEATURES = ("intent", "in scope", "agrees", "similarity", "words", "fused", "reply", "ahead")
LEAST = 1e-6


class Reply(TypedDict):
    """The assistant's reply. answer is None if and only if it hands over; then no other field contains an answer."""

    answer: str | None
    source: str | None
    intent: str
    confidence: float
    handed_over: bool
    why: Why
    generated: bool


class Judged(NamedTuple):
    """A text's candidates with their features, (k, f). intent: the most likely one, which may be out of scope."""

    intent: str
    candidates: list[Found]
    features: NDArray[np.float64]


class Judge:
    """Computes the features of candidate answers, from the intent model, the retrieval and the re-ranker."""

    def __init__(self, intents: Model, replies: Model | None) -> None:
        self._intents, self._replies = intents, replies
        self.embed = intents.embed

    @classmethod
    def load(cls, models: Mapping[str, Path]) -> Self:
        """Load the trained models: `intents` and, if there is one, `replies`. Raises DataError for other models."""
        found = loaded(models)
        return cls(found["intents"], found.get("replies"))

    def judge(self, index: Index, texts: Sequence[str]) -> list[Judged]:
        """The candidates of each text, with features.

        A text is judged by itself, even in a conversation, like the questions by which the rule was chosen.
        """
        found = index.search(texts, RETRIEVED)
        chances = [each["probabilities"] for each in self._intents.predict(list(texts))]
        ranked = self._ranked(texts, found)
        return [
            Judged(max(probable, key=probable.__getitem__), candidates, _features(probable, candidates, scores))
            for probable, candidates, scores in zip(chances, found, ranked, strict=True)
        ]

    def _ranked(self, texts: Sequence[str], found: Sequence[Sequence[Found]]) -> list[NDArray[np.float64]]:
        """The re-ranker's probability of each candidate; uniform if there is no re-ranker or no choice."""
        ranked = [np.full(len(candidates), 1 / max(1, len(candidates))) for candidates in found]
        asked = [i for i, candidates in enumerate(found) if len(candidates) > 1]
        if self._replies is None or not asked:
            return ranked
        inputs = [{"context": [texts[i]], "candidates": [each.entry.answer for each in found[i]]} for i in asked]
        for i, answer in zip(asked, self._replies.predict(inputs), strict=True):
            scores = np.array(answer["scores"], np.float64)
            weights = np.exp(scores - scores.max())
            ranked[i] = weights / weights.sum()
        return ranked


def loaded(models: Mapping[str, Path]) -> dict[str, Model]:
    """Load trained models, `intents`, `replies` or both. Raises DataError for one of another task."""
    loaders = {"intents": classifier.load, "replies": _ranking}
    return {name: loaders[name](trial) for name, trial in models.items()}


def _ranking(trial: Path) -> Model:
    """Load the model that ranks replies. Raises DataError if the trial has another task."""
    model = pefbench.load(trial)
    if not model.knows(("context", "candidates")):
        raise DataError(f"{trial}: is a trial of {model.task}, which does not rank replies, as reply_selection does")
    return model


def _features(
    chances: Mapping[str, float], candidates: Sequence[Found], replies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The FEATURES of each candidate: (k, f)."""
    likeliest, rows = max(chances, key=chances.__getitem__), []
    by_intent = [chances.get(each.entry.intent, 0.0) for each in candidates]
    for place, each in enumerate(candidates):
        rest = [chance for i, chance in enumerate(by_intent) if i != place]
        rows.append(
            (
                np.log(max(by_intent[place], LEAST)),
                np.log(max(1 - chances.get(OUT_OF_SCOPE, 0.0), LEAST)),
                float(each.entry.intent == likeliest),
                each.similarity,
                np.log1p(each.words),
                each.fused,
                np.log(max(replies[place], LEAST)),
                by_intent[place] - max(rest, default=0.0),
            )
        )
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


def reply(judged: Judged, rule: Rule) -> Reply:
    """The best candidate if the rule allows it, otherwise a hand-over."""
    if not judged.candidates:
        return _handed_over(judged.intent, 0.0, "nothing found")
    confidences = rule.confidence(judged.features)
    best = int(confidences.argmax())
    confidence, entry = float(confidences[best]), judged.candidates[best].entry
    if confidence < rule.threshold:
        out = judged.intent == OUT_OF_SCOPE
        return _handed_over(judged.intent, confidence, "out of scope" if out else "not sure enough")
    return _given(entry, confidence, "confident")


def as_written(entry: Entry) -> Reply:
    """The answer that was written for exactly this question."""
    return _given(entry, 1.0, "as written")


def handed_over(why: Why) -> Reply:
    """A hand-over that does not depend on a text."""
    return _handed_over("", 0.0, why)


def _given(entry: Entry, confidence: float, why: Why) -> Reply:
    return Reply(
        answer=entry.answer,
        source=entry.source,
        intent=entry.intent,
        confidence=confidence,
        handed_over=False,
        why=why,
        generated=False,
    )


def _handed_over(intent: str, confidence: float, why: Why) -> Reply:
    return Reply(
        answer=None, source=None, intent=intent, confidence=confidence, handed_over=True, why=why, generated=False
    )
