"""The base class of all metrics: an evaluate.Metric that needs no hub, no cache folder and no locks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import evaluate
import numpy as np
from datasets import Features, List, Value

from pefbench.sections import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from pefbench.results.classification_report import Report

    Array = npt.NDArray[np.float64]

TEXT = Value("string")
TAGS = List(Value("string"))


class Metric(evaluate.Metric, ABC):  # type: ignore[misc]  # evaluate has no types
    """A metric computed by a library, and also on weighted examples, which its interval needs.

    ``compute(predictions=..., references=...)`` is evaluate's. A subclass implements ``_compute``, which returns the
    library's values as plain floats, by name. Score in one process, with all examples.
    """

    headline: ClassVar[str]
    """The value by which methods are compared."""
    higher_is_better: ClassVar[dict[str, bool]]
    """For each value that ``compute`` returns."""
    library: ClassVar[str]
    """The distribution that computes the values, or the official script whose rules they follow."""
    settings: str
    """Choices that change the values, as ``name:choice|name:choice``."""
    prediction: ClassVar[Any]
    """The type of one prediction, as a `datasets` feature, such as `TEXT` or `TAGS`."""
    reference: ClassVar[Any]
    """The type of one reference."""
    wants: ClassVar[frozenset[str]] = frozenset()
    """Parts of a head's answers that it needs and that not all heads give, by name."""

    averaged: ClassVar[frozenset[str]] = frozenset()
    """Values that are means of example scores. If all scores are 0 or 1, the value is a proportion and has a
    proportion's interval."""
    moves_with_examples: ClassVar[bool] = True
    """Whether a sample of the examples has about the same value. If not, there are no intervals and no tests of
    differences."""

    options_type: ClassVar[type[Section]] = Section
    """The options that a recipe may set, as in ``{name: f1, positive: spam}``."""
    options: Section
    """The options that were set."""

    def __init__(self, **options: Any) -> None:
        self.options = self.options_type(**options)
        super().__init__(keep_in_memory=True, seed=0)

    @abstractmethod
    def _compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
        """The library's values by name."""

    @abstractmethod
    def weighted(self, predictions: Sequence[Any], references: Sequence[Any]) -> Callable[[Array], dict[str, Array]]:
        """A function of weights (resamples, examples) that returns the values of ``compute``, each (resamples,).

        A weight is how many times an example counts.
        """

    def read(self, answer: Any) -> Any:
        """The part of a head's answer that the metric scores: for a label with probabilities, the label."""
        return answer["label"] if isinstance(answer, dict) and "label" in answer else answer

    def reads(self, answer: Any) -> bool:  # noqa: ARG002 - some metrics need more than every answer has
        """Whether it can score such an answer; a trivial baseline's answer may lack parts of a model's."""
        return True

    def read_reference(self, reference: Any) -> Any:
        """The part of a head's reference that the metric scores."""
        return reference

    def take(self, answers: Sequence[Any], references: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The parts of a head's answers and references, as `compute` and `weighted` expect them."""
        return [*map(self.read, answers)], [*map(self.read_reference, references)]

    def kinds(self) -> tuple[str, ...]:
        """The names of the kinds of references that it scores, the usual name first."""
        return _KINDS[str(self.reference)]

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, or None; checked before training."""
        kind = _kind(references[0])
        wanted = self.kinds()
        return None if kind in wanted else f"it scores {wanted[0]}, and the task's answers are {kind}"

    def report(self, predictions: Sequence[Any], references: Sequence[Any]) -> Report | None:  # noqa: ARG002
        """Precision, recall and F1 per class, or None if there are no classes."""
        return None

    def signature(self) -> str:
        """Everything on which the values depend: metric, library, version and settings."""
        name = type(self).__module__.rpartition(".")[2]
        return f"{name}|lib:{self.library}|v:{version(self.library)}|{self.settings}"

    def _info(self) -> Any:
        return evaluate.MetricInfo(
            description=(type(self).__doc__ or "").partition("\n")[0],
            citation="",
            features=Features({"predictions": self.prediction, "references": self.reference}),
        )

    def _build_data_dir(self) -> str:
        """Name evaluate's cache folder without creating it, since everything is kept in memory."""
        return str(Path(self._data_dir_root, self.name, self.config_name))


class AdditiveMetric(Metric):
    """A metric that is computed from counts that add up over examples."""

    @abstractmethod
    def counts(self, predictions: Sequence[Any], references: Sequence[Any]) -> Array:
        """Statistics that add up over examples, of shape (examples, statistics)."""

    @abstractmethod
    def from_counts(self, sums: Array) -> dict[str, Array]:
        """The values of ``compute`` from summed counts of shape (..., statistics), each of shape (...)."""

    def weighted(self, predictions: Sequence[Any], references: Sequence[Any]) -> Callable[[Array], dict[str, Array]]:
        """The values from weighted sums of counts."""
        counts = self.counts(predictions, references)
        return lambda weights: self.from_counts(weights @ counts)


_KINDS = {
    str(TEXT): ("texts",),
    str(TAGS): ("lists of texts",),
    str(Value("float64")): ("numbers", "whole numbers"),
    str(Value("int64")): ("whole numbers",),
}
"""The type of a reference -> names of its kind, the usual name first."""


def _kind(reference: Any) -> str:
    if isinstance(reference, str):
        return "texts"
    if isinstance(reference, list):
        return "lists of texts"
    if isinstance(reference, dict) and "labels" in reference:
        return "sets of labels"
    if isinstance(reference, dict):
        return "texts to generate"
    return "whole numbers" if isinstance(reference, int) else "numbers"


def pairs(
    predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]
) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The prediction and the reference of each sentence. Raises ValueError if lengths differ."""
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predicted sentences for {len(references)} references")
    for number, (predicted, gold) in enumerate(zip(predictions, references, strict=True)):
        if len(predicted) != len(gold):
            raise ValueError(f"sentence {number} has {len(predicted)} predicted tags for {len(gold)} references")
        yield predicted, gold


def ratio(numerator: Array, denominator: Array) -> Array:
    """Divide; 0 if the denominator is 0 (zero_division=0 in scikit-learn and seqeval)."""
    safe: Array = np.where(denominator == 0, 1.0, denominator)
    return numerator / safe
