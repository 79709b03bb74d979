"""Refuses, before training, what cannot work; notes, and warnings about anything odd, go into the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import hardware
from pefbench.errors import RecipeError, counted
from pefbench.methods import NOTHING
from pefbench.models import attention_windows, vocabulary
from pefbench.remarks import Odd, Remarks
from pefbench.trial import adapters, packing
from pefbench.trial.schedule import total_steps
from pefbench.trial.score import metrics_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.methods import Method
    from pefbench.sections import TrainSection
    from pefbench.trial.prepare import Prepared

SHOWN = 3
"""Number of bad rows that a warning quotes."""
MANY = 0.01
"""A warning is given if at least this share of a split consists of near duplicates of training examples."""
FAR = 30
"""A learning rate is doubtful if it differs from the method's default by more than this factor."""


def remarks(prepared: Prepared, *, bad_rows: bool = True) -> Remarks:
    """Notes and warnings for readers of the numbers. Raises a UserError for what cannot work.

    bad_rows: include the rows that were left out; False for callers that list them separately.
    """
    recipe = prepared.recipe
    _check_metrics(prepared)
    packing.check(prepared)
    found = prepared.checkpoint
    told = [
        *found.notes,
        *adapters.head_notes(found, prepared.adapters),
        *map(
            Odd,
            vocabulary.doubts(
                prepared.encoded, prepared.tokenizer, found.vocabulary + prepared.new_rows, found.token_types
            ),
        ),
        *prepared.corpus.dataset.notes,
        *prepared.corpus.notes,
        *prepared.notes,
        *map(Odd, _skipped([*(prepared.corpus.skipped if bad_rows else ()), *prepared.refused])),
        *map(Odd, _truncated(prepared)),
        *map(Odd, _beyond_windows(prepared)),
        *_dropped(prepared),
        *map(Odd, _near(prepared)),
        *prepared.head.remarks(prepared.encoded),
        *map(Odd, _rate(recipe.method, recipe.train)),
        *map(Odd, _seldom(recipe.train, total_steps(recipe.train, len(prepared.encoded["train"])))),
        *map(Odd, _slow_precision(recipe.train.precision)),
    ]
    return Remarks.of(told)


def _check_metrics(prepared: Prepared) -> None:
    """Raise RecipeError for a metric that cannot score the task's answers, before training is spent on it."""
    metrics = metrics_of(prepared.recipe)
    for name, metric in metrics.items():
        if lacking := sorted(metric.wants - prepared.head.answers.answer_fields):
            raise RecipeError(
                f"evaluate.metrics: {name} cannot score the task's answers, which lack {' and '.join(lacking)}"
            )
    for split in ("validation", "test"):
        references = prepared.head.answers.references(prepared.examples.get(split, ()))
        for name, metric in metrics.items():
            if references and (why := metric.refusal(references)):
                raise RecipeError(f"evaluate.metrics: {name} cannot score the {split} split: {why}")


def _skipped(found: Sequence[str]) -> list[str]:
    if not found:
        return []
    others = f"; {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return [f"left out {counted(len(found), 'bad row')}: {'; '.join(found[:SHOWN])}{others}"]


def _truncated(prepared: Prepared) -> list[str]:
    length = prepared.recipe.train.max_length
    return [
        f"{encoded.truncated} of {len(encoded)} {split} examples {'is' if encoded.truncated == 1 else 'are'} truncated "
        f"to {length} tokens"
        for split, encoded in prepared.encoded.items()
        if encoded.truncated
    ]


def _beyond_windows(prepared: Prepared) -> list[str]:
    """A warning about texts whose last tokens are too far from the virtual tokens for some layers' attention."""
    method, found = prepared.recipe.method, attention_windows.windows(prepared.config)
    count = method.virtual_tokens()
    if (
        not count
        or found is None
        or (method.in_attention and prepared.config.model_type in attention_windows.BOTH_WAYS)
    ):
        return []
    room = max(found.tokens - count, 0)
    # An answer is generated after its prompt; training texts already include their answers.
    lengths = {
        split: each.lengths + (0 if split == "train" else prepared.head.longest_answer)
        for split, each in prepared.encoded.items()
    }
    many = {split: int((each > room).sum()) for split, each in lengths.items()}
    if not any(many.values()):
        return []
    texts = ", ".join(f"{many[split]:,} of {len(each):,} {split}" for split, each in lengths.items() if many[split])
    where = f"{found.layers} of {found.of_layers} layers"
    told = f"{method.name}: in {where} a token attends only to the last {found.tokens} tokens: in {texts} examples, "
    return [f"{told}which exceed {room} tokens, the last ones do not attend to all {count} virtual tokens there"]


def _dropped(prepared: Prepared) -> list[str]:
    return [
        f"{dropped} {split} examples dropped: duplicates within the split or of a later split"
        for split, dropped in prepared.corpus.dropped.items()
        if dropped
    ]


def _near(prepared: Prepared) -> list[str]:
    rows = prepared.corpus.rows
    many = {
        split: near for split, near in prepared.corpus.near_duplicates.items() if near >= max(2, MANY * rows[split])
    }
    if not many:
        return []
    found = " and ".join(f"{near} of {rows[split]:,} {split}" for split, near in many.items())
    return [
        f"{found} rows are near-duplicates of a training row; data.near_duplicates=drop leaves those out of training"
    ]


def _seldom(settings: TrainSection, steps: int) -> list[str]:
    interval = settings.evaluate
    if not isinstance(interval, int) or interval < steps:
        return []
    return [f"train.evaluate: the run has {counted(steps, 'step')}, so validation is scored only at the end"]


def _rate(method: Method, train: TrainSection) -> list[str]:
    """A warning about a learning rate that is unused, or far from the method's default."""
    rate = train.learning_rate
    if method.trainable_pattern == NOTHING and train.head_learning_rate is not None:
        own = f"train.head_learning_rate: {train.head_learning_rate:g}"
        return [f"train.learning_rate: {rate:g} is not used: {method.name} trains only the head, which has {own}"]
    if method.learning_rate / FAR <= rate <= method.learning_rate * FAR:
        return []
    return [f"train.learning_rate: {rate:g} is far from {method.name}'s default, {method.learning_rate:g}"]


def _slow_precision(precision: str) -> list[str]:
    if precision != "bf16" or not hardware.emulates_bf16():
        return []
    return ["train.precision: this machine has no bf16 instructions, so bf16 is much slower than fp32"]
