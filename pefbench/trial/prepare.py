"""From a recipe to all that training and prediction need: examples, tokens, a config. Refuses what cannot work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.models import loading, quantization
from pefbench.trial import corpus, devices
from pefbench.trial.cache import Shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import Encoded, Head
    from pefbench.recipe import Recipe
    from pefbench.trial.corpus import Corpus
    from pefbench.trial.phases import Phases


@dataclass(frozen=True)
class Prepared:
    """A recipe's data, and what its model is made from; `build` makes the model.

    recipe: with the precision that `auto` came to. examples: by split, train after `max_examples`.
    """

    recipe: Recipe
    corpus: Corpus
    head: Head
    examples: Mapping[str, Sequence[Any]]
    encoded: Mapping[str, Encoded]
    tokenizer: PreTrainedTokenizerFast
    base: Path
    config: PretrainedConfig


def prepare(
    recipe: Recipe, phases: Phases, splits: Sequence[str] = corpus.SPLITS, shared: Shared | None = None
) -> Prepared:
    """Read and tokenise a recipe's data and its model's config. Raises a UserError for what cannot work.

    shared: what other trials of this process have read and tokenised already; None: nothing.
    """
    shared = shared or Shared(keeps=False)
    recipe = with_precision(recipe)
    with phases.measure("load"):
        data = shared.corpus(recipe)
        base = loading.folder(recipe.model)
        head = data.dataset.head(loading.load_config(base, recipe.model))
        head = head.pooled() if recipe.model.pooling else head
        tokenizer = loading.load_tokenizer(base, recipe.model, head)
        config = loading.fit_config(base, recipe.model, head, tokenizer)
        loading.check_positions(
            config, tokenizer, recipe.model.name, recipe.train.max_length, recipe.method.virtual_tokens()
        )
        quantization.check_installed(recipe.model.quantize, recipe.train.optimizer)
    with phases.measure("tokenize"):
        examples = {split: _chosen(recipe, split, data.dataset.splits[split]) for split in splits}
        head = head.balanced(examples.get("train", ())) if recipe.train.class_weights else head
        encoded = {
            split: shared.encoded(
                recipe, split, partial(head.encode, tokenizer, examples[split], recipe.train.max_length)
            )
            for split in splits
        }
    return Prepared(recipe, data, head, examples, encoded, tokenizer, base, config)


def with_precision(recipe: Recipe) -> Recipe:
    """Return the recipe with the precision that `auto` comes to on this machine."""
    precision = devices.resolve_precision(recipe.train.precision)
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"precision": precision})})


def _chosen(recipe: Recipe, split: str, examples: Sequence[Any]) -> Sequence[Any]:
    """Return the training examples that `max_examples` leaves, drawn by the seed; other splits whole."""
    limit = recipe.train.max_examples
    if split != "train" or limit is None or limit >= len(examples):
        return examples
    drawn = np.random.default_rng(recipe.train.seed).permutation(len(examples))[:limit]
    return [examples[int(i)] for i in sorted(drawn)]
