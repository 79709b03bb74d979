"""Judges of generated texts: classifiers trained on labelled texts, logistic regression on words and word pairs."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import SequenceExample
from pefbench.tasks.baselines.bag_of_words import bag_of_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.examples import GenerationExample


class AttributeJudge:
    """Labels generated texts; it is trained on texts that the generator never sees.

    learned: its training texts. real: labelled texts of the test split; its accuracy on them, which is in the
    signature, shows how far to trust it. An example's fact `attribute` is the label that its text should have.
    """

    def __init__(self, learned: Sequence[SequenceExample], real: Sequence[SequenceExample]) -> None:
        self.learned = learned
        found = bag_of_words(learned, real)
        self.accuracy = sum(label == text.label for label, text in zip(found, real, strict=True)) / len(real)

    @property
    def signature(self) -> str:
        """The classifier, its number of training texts, and its accuracy on real texts of the test split."""
        return f"judge:{_classifier()}|learned:{len(self.learned)}|right:{self.accuracy:.4f}"

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> list[dict[str, str]]:  # noqa: ARG002
        """The label of each text, as its `attribute`."""
        return [{"attribute": label} for label in bag_of_words(self.learned, _unlabelled(texts))]

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether the text has the requested attribute."""
        return bool(verdict["attribute"] == facts["attribute"])


class DownstreamJudge:
    """Labels real texts with two classifiers, trained without and with generated texts.

    real: the labelled training texts. An example's facts are `asked`, the requested label, which its generated text is
    assumed to have; `held`, a real text that neither classifier has seen; and `label`, that text's label. A verdict
    concerns the real text, not the generated one: all generated texts of a split train a single classifier. Generated
    texts without words are left out; the others count as much as real ones.
    """

    def __init__(self, real: Sequence[SequenceExample]) -> None:
        self.real = real

    @property
    def signature(self) -> str:
        """The classifier and its training texts."""
        return f"downstream:{_classifier()}|real:{len(self.real)}|generated:one-a-test-text"

    def verdicts(self, texts: Sequence[str], examples: Sequence[GenerationExample]) -> list[dict[str, str]]:
        """The labels of the examples' held-out texts, `plain` and `augmented`."""
        generated = [
            SequenceExample(text, example.facts["asked"])
            for text, example in zip(texts, examples, strict=True)
            if text.strip()
        ]
        held = _unlabelled([example.facts["held"] for example in examples])
        plain, augmented = bag_of_words(self.real, held), bag_of_words([*self.real, *generated], held)
        return [{"plain": without, "augmented": with_} for without, with_ in zip(plain, augmented, strict=True)]

    def right(self, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether the classifier with generated texts labels the held-out text correctly."""
        return bool(verdict["augmented"] == facts["label"])


def _unlabelled(texts: Sequence[str]) -> list[SequenceExample]:
    return [SequenceExample(text, "") for text in texts]


def _classifier() -> str:
    return f"bag_of_words,scikit-learn-{version('scikit-learn')}"
