"""The opinion in a text: the probability that it is negative, and its topic, from trained models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pefbench.apps import classifier
from pefbench.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench import Model
    from pefbench.apps.monitor.items import Item


@dataclass(frozen=True)
class Opinion:
    """abstains: the labels are about equally likely, so the text counts as none of them."""

    negative: float
    abstains: bool
    topic: str | None = None


class Classifier(Protocol):
    """Finds the opinions in texts."""

    def __call__(self, items: Sequence[Item]) -> list[Opinion]:
        """The opinion of each item."""
        ...


class Trained:
    """A classifier from trained models.

    negative: the label of bad news. margin: a text abstains if the probabilities of its two most likely labels are
    closer than this. Raises DataError for a model of another task.
    """

    def __init__(self, models: Mapping[str, Path], negative: str, margin: float) -> None:
        found = loaded(models, negative)
        self._sentiment, self._topic = found["sentiment"], found.get("topic")
        self._negative, self._margin = negative, margin

    def __call__(self, items: Sequence[Item]) -> list[Opinion]:
        """The opinion of each item."""
        said = _answers(self._sentiment, items)
        topics = [each["label"] for each in _answers(self._topic, items)] if self._topic else [None] * len(items)
        return [
            Opinion(each["probabilities"][self._negative], _margin(each) < self._margin, topic)
            for each, topic in zip(said, topics, strict=True)
        ]


def loaded(models: Mapping[str, Path], negative: str) -> dict[str, Model]:
    """Load trained models, `sentiment`, `topic` or both. Raises DataError for one of another task or other labels."""
    found = {name: classifier.load(trial) for name, trial in models.items()}
    sentiment = found.get("sentiment")
    if sentiment and negative not in sentiment.labels:
        raise DataError(
            f"negative: {models['sentiment']} ({sentiment.task}) has no label {negative!r}; "
            f"{suggest(negative, sentiment.labels)}"
        )
    return found


def _answers(model: Model, items: Sequence[Item]) -> list[Any]:
    """The model's answers; a model trained with companies also gets the companies."""
    second = next((name for name in model.columns if name in {"company", "pair"}), None)
    told = model.task == "financial_sentiment" and second is not None
    return model.predict(
        [{"text": item.text, second: item.company} if told and second and item.company else item.text for item in items]
    )


def _margin(answer: Mapping[str, Any]) -> float:
    """The difference between the two largest probabilities."""
    first, second = sorted(answer["probabilities"].values(), reverse=True)[:2]
    return float(first - second)
