"""Judges of generated texts that are classifiers of labelled ones: words and pairs of words, logistic regression."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import SequenceExample
from pefbench.tasks.baselines.bag_of_words import bag_of_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.examples import GenerationExample


class AttributeJudge:
    """Says which label a generated text has, after texts that the generator never sees.

    learned: what it learns from. real: labelled texts of the test split; how many it gets right says how far to trust
    it, and is in its signature. The fact `attribute` of an example is the label that its text should have.
    """

    def __init__(self, learned: Sequence[SequenceExample], real: Sequence[SequenceExample]) -> None:
        self.learned = learned
        found = bag_of_words(learned, real)
        self.accuracy = sum(label == text.label for label, text in zip(found, real, strict=True)) / len(real)

    @property
    def signature(self) -> str:
        """The classifier, how many texts it learned from, and its accuracy on real texts of the test split."""
        return f"judge:{_classifier()}|learned:{len(self.learned)}|right:{self.accuracy:.4f}"

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> list[dict[str, str]]:  # noqa: ARG002
        """The label of each text, as its `attribute`."""
        return [{"attribute": label} for label in bag_of_words(self.learned, _unlabelled(texts))]

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether the text has the attribute that was asked for."""
        return bool(verdict["attribute"] == facts["attribute"])


class DownstreamJudge:
    """Says of real texts what a classifier calls them without and with generated texts among what it learns from.

    real: the labelled texts that there are. An example's facts are `asked`, the label that was asked for, which the
    generated text is taken to have; `held`, a real text that neither classifier has seen; and `label`, its label. A
    verdict is on that real text, not on the generated one: all generated texts of a split train one classifier.
    Generated texts without a word are left out; the others count as much as real ones.
    """

    def __init__(self, real: Sequence[SequenceExample]) -> None:
        self.real = real

    @property
    def signature(self) -> str:
        """The classifier and what it learns from."""
        return f"downstream:{_classifier()}|real:{len(self.real)}|generated:one-a-test-text"

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> list[dict[str, str]]:
        """The labels of the examples' held texts, `plain` and `augmented`."""
        generated = [
            SequenceExample(text, example.facts["asked"])
            for text, example in zip(texts, examples, strict=True)
            if text.strip()
        ]
        held = _unlabelled([example.facts["held"] for example in examples])
        plain, augmented = bag_of_words(self.real, held), bag_of_words([*self.real, *generated], held)
        return [{"plain": without, "augmented": with_} for without, with_ in zip(plain, augmented, strict=True)]

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether the held text is called what it is, with generated texts."""
        return bool(verdict["augmented"] == facts["label"])


def _unlabelled(texts: Sequence[str]) -> list[SequenceExample]:
    return [SequenceExample(text, "") for text in texts]


def _classifier() -> str:
    return f"bag_of_words,scikit-learn-{version('scikit-learn')}"
