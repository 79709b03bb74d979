"""What can be known to be wrong, or is doubtful, before training: errors are raised, doubts go into the result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.errors import MethodError, RecipeError
from pefbench.methods import NOTHING
from pefbench.models import architecture
from pefbench.registry import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from pefbench.methods import Method
    from pefbench.trial.prepare import Prepared

SHOWN = 3
"""How many bad rows a warning tells of."""
FAR = 30
"""A learning rate that is this many times the method's default, or this small a part of it, is doubtful."""


def head_sizes(model: nn.Module) -> dict[str, int]:
    """Return the number of weights of each module of a pretrained model's head; empty for language models."""
    heads = architecture.head_modules(model)
    return {name: sum(weight.numel() for weight in model.get_submodule(name).parameters()) for name in heads}


def check_trained(model: nn.Module, method: Method, heads: Mapping[str, int]) -> None:
    """Raise MethodError unless the method trains something of its own on `model`, and the whole head.

    `heads`: what `head_sizes` said of the pretrained model.
    """
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    where = f"method {method.name} on {type(architecture.bare(model)).__name__}"
    if not trained:
        raise MethodError(f"{where}: nothing would be trained")
    for name, size in heads.items():
        module = architecture.bare(model).get_submodule(name)
        found = sum(weight.numel() for weight in module.parameters() if weight.requires_grad)
        if found != size:
            raise MethodError(f"{where}: {found:,} of the {size:,} weights of its head {name!r} would be trained")
    if method.trains != NOTHING and not any(re.search(method.trains, name) for name in trained):
        raise MethodError(f"{where}: it touches no module of the model")


def doubts(prepared: Prepared) -> list[str]:
    """Return what a reader of the numbers should know. Raises a UserError for what cannot come out right."""
    recipe = prepared.recipe
    _check_metrics(prepared)
    return [
        *prepared.corpus.dataset.notes,
        *_skipped(prepared.corpus.skipped),
        *_truncated(prepared),
        *_dropped(prepared),
        *prepared.form.check(prepared.encoded),
        *_far_rate(recipe.method, recipe.train.learning_rate),
    ]


def _check_metrics(prepared: Prepared) -> None:
    """Raise RecipeError for a metric that cannot score the task's answers, which would show only after training."""
    metrics = {name: find("metric", name)() for name in prepared.recipe.evaluate.metrics}
    for name, metric in metrics.items():
        if lacking := sorted(metric.wants - prepared.form.says):
            raise RecipeError(
                f"evaluate.metrics: {name} cannot score the task's answers, which do not say {' or '.join(lacking)}"
            )
    for split in ("validation", "test"):
        references = prepared.form.references(prepared.examples.get(split, ()))
        for name, metric in metrics.items():
            if references and (why := metric.refusal(references)):
                raise RecipeError(f"evaluate.metrics: {name} cannot score the {split} split: {why}")


def _skipped(found: Sequence[str]) -> list[str]:
    if not found:
        return []
    others = f"; {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return [f"bad rows left out, {len(found)}: {'; '.join(found[:SHOWN])}{others}"]


def _truncated(prepared: Prepared) -> list[str]:
    length = prepared.recipe.train.max_length
    return [
        f"{encoded.truncated} of {len(encoded)} {split} examples are cut at {length} word pieces; "
        "what lies beyond is not seen"
        for split, encoded in prepared.encoded.items()
        if encoded.truncated
    ]


def _dropped(prepared: Prepared) -> list[str]:
    return [
        f"{dropped} {split} examples were dropped: their text is also in a later split, or earlier in their own"
        for split, dropped in prepared.corpus.dropped.items()
        if dropped
    ]


def _far_rate(method: Method, rate: float) -> list[str]:
    if method.learning_rate / FAR <= rate <= method.learning_rate * FAR:
        return []
    return [f"train.learning_rate: {rate:g} is far from {method.name}'s default, {method.learning_rate:g}"]
