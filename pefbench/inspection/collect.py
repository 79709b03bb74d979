"""Collects an inspection: prepares a recipe as `run` does, without loading weights, and examines the result."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import DataError
from pefbench.heads import IGNORED, TARGETS
from pefbench.inspection.record import Bin, Example, Inspection, Split, Token
from pefbench.models.vocabulary import unknown_share
from pefbench.trial import preflight
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.recipe import Recipe
    from pefbench.trial.prepare import Prepared

WHOLE = 10**6
"""A maximum length that truncates no text, to measure how long texts are."""
BINS = 8


def inspect(recipe: Recipe, *, split: str = "train", examples: int = 5) -> Inspection:
    """Prepare a recipe and show the first examples of a split. Raises a UserError, as `run` would before training."""
    prepared = prepare(recipe, Phases())
    if split not in prepared.examples:
        raise DataError(f"--split {split}: no such split; valid: {', '.join(prepared.examples)}")
    remarks = preflight.remarks(prepared, bad_rows=False)
    count = min(examples, len(prepared.examples[split]))
    return Inspection(
        recipe=recipe.name,
        task=recipe.task,
        model=recipe.model.name,
        max_length=prepared.recipe.train.max_length,
        splits={name: _split(prepared, name) for name in prepared.examples},
        shown=split,
        examples=[_example(prepared, split, number) for number in range(count)],
        notes=remarks.notes,
        warnings=remarks.warnings,
        skipped=list(prepared.corpus.skipped),
    )


def _split(prepared: Prepared, name: str) -> Split:
    encoded, examples = prepared.encoded[name], prepared.examples[name]
    limit = prepared.recipe.train.max_length
    lengths = _whole_lengths(prepared, name)
    return Split(
        examples=len(encoded),
        tokens=int(encoded.tokens.sum()),
        labels=label_counts(prepared.head.answers.references(examples)) if prepared.head.labels else {},
        lengths=histogram(lengths, limit),
        longest=int(lengths.max(initial=0)),
        truncated=encoded.truncated,
        dropped=prepared.corpus.dropped[name],
        unknown=unknown_share(encoded.features["input_ids"], prepared.tokenizer),
    )


def _whole_lengths(prepared: Prepared, name: str) -> np.ndarray[Any, Any]:
    """The number of tokens of each example before truncation, (examples,); tokenises those at the limit again."""
    encoded, examples = prepared.encoded[name], prepared.examples[name]
    lengths = encoded.lengths.copy()
    beyond = lengths >= prepared.recipe.train.max_length
    beyond[np.flatnonzero(encoded.cut)] = True
    if beyond.any():
        again = [example for example, over in zip(examples, beyond, strict=True) if over]
        lengths[beyond] = prepared.head.encode(prepared.tokenizer, again, WHOLE).lengths
    return lengths


def label_counts(references: Sequence[Any]) -> dict[str, int]:
    """How often each label occurs in the references, most frequent first; empty for texts and numbers.

    For entity tags, words are counted by tag. Lists of answers to questions look like tags: see `_split`.
    """
    if all(isinstance(each, str) for each in references):
        counts = Counter(references)
    elif all(isinstance(each, list) and all(isinstance(tag, str) for tag in each) for each in references):
        counts = Counter(tag for each in references for tag in each)
    elif all(isinstance(each, dict) and "labels" in each for each in references):
        counts = Counter(label for each in references for label in each["labels"])
    else:
        return {}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def histogram(lengths: np.ndarray[Any, Any], limit: int) -> list[Bin]:
    """Histogram of lengths, (examples,): at most BINS equal bins up to the limit, and one for all longer ones."""
    within, beyond = lengths[lengths <= limit], lengths[lengths > limit]
    bars = []
    if len(within):
        low, high = int(within.min()), int(within.max())
        width = -(-(high - low + 1) // BINS)
        starts = range(low, high + 1, width)
        counts = np.histogram(within, [*starts, starts[-1] + width])[0].tolist()
        bars = [Bin(start, min(start + width - 1, limit), count) for start, count in zip(starts, counts, strict=True)]
    return bars + ([Bin(limit + 1, int(beyond.max()), len(beyond))] if len(beyond) else [])


def _example(prepared: Prepared, split: str, number: int) -> Example:
    encoded, example, head = prepared.encoded[split], prepared.examples[split][number], prepared.head
    return Example(
        number=number,
        prompt=head.answers.prompt(example),
        reference=head.answers.references([example])[0],
        rows=[
            _tokens(prepared.tokenizer, encoded.features["input_ids"][row].tolist(), head.marks(encoded, row))
            for row in encoded.rows_of([number])
        ],
        decoder=_decoder(prepared.tokenizer, encoded, number),
    )


def _decoder(tokenizer: PreTrainedTokenizerFast, encoded: Encoded, number: int) -> list[Token]:
    """What the decoder of an encoder-decoder learns; empty for other models, whose rows contain the answers."""
    if "decoder_input_ids" not in encoded.features:
        return []
    ids = [label for label in encoded.features[TARGETS][number].tolist() if label != IGNORED]
    return _tokens(tokenizer, ids, ["answer"] * len(ids))


def _tokens(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int], marks: Sequence[str]) -> list[Token]:
    texts = tokenizer.convert_ids_to_tokens(list(ids))
    return [Token(text, i, mark) for text, i, mark in zip(texts, ids, marks, strict=True)]
