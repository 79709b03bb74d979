"""From a recipe to all that training and prediction need: examples, tokens, a config. Refuses what cannot work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.methods._trained import check_trained, head_sizes
from pefbench.models import loading, quantization
from pefbench.trial import artifacts, corpus, devices
from pefbench.trial.cache import Shared
from pefbench.trial.loop import total_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import Encoded, Head
    from pefbench.recipe import Recipe
    from pefbench.trial.corpus import Corpus
    from pefbench.trial.phases import Phases


@dataclass(frozen=True)
class Prepared:
    """A recipe's data and model, ready for use.

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
    shared: Shared

    @property
    def attention(self) -> str:
        """Return the attention implementation for this precision."""
        values = [item for part in loading.stacks(self.config) for item in part.to_dict().items()]
        rates = [value for key, value in values if "att" in key and "drop" in key]
        fused = loading.model_class(self.config, self.head)._supports_sdpa
        return devices.attention(self.recipe.train.precision, dropout=any(rates)) if fused else "eager"

    def pretrained(self) -> nn.Module:
        """Return the pretrained model under a fresh head, drawn by the recipe's seed."""
        from accelerate.utils import set_seed

        set_seed(self.recipe.train.seed)
        quantize = self.recipe.model.quantize
        return loading.load_pretrained(
            self.base,
            self.config,
            self.head,
            attention=self.attention,
            quantize=quantize,
            weights=self.shared.weights(self.base) if quantize == "none" else None,
        )

    def with_method(self, model: nn.Module) -> nn.Module:
        """Return the pretrained model with the recipe's method on it, ready to train. Raises MethodError."""
        method, encoded = self.recipe.method, self.encoded["train"]
        heads = head_sizes(model)
        model = method.apply(model, self.head.task_type)
        check_trained(model, method, heads)
        method.on_train_begin(model, self.tokenizer, encoded, total_steps(self.recipe.train, len(encoded)))
        self.make_ready(model)
        return model

    def saved(self, folder: Path) -> nn.Module:
        """Return the trained model that a trial saved in `folder`."""
        return artifacts.load_saved(
            folder, self.base, self.config, self.head, attention=self.attention, quantize=self.recipe.model.quantize
        )

    def make_ready(self, model: nn.Module) -> None:
        """Set up a model with the method on it, new or loaded, to compute in this precision; in place."""
        self.recipe.method.on_model_ready(model)
        loading.cast_frozen_weights(model, self.recipe.train.precision, self.recipe.method.trainable_pattern)


def prepare(
    recipe: Recipe, phases: Phases, splits: Sequence[str] = corpus.SPLITS, shared: Shared | None = None
) -> Prepared:
    """Read and tokenise a recipe's data and its model's config. Raises a UserError for what cannot work.

    shared: what other trials of this process have read and tokenised already; None: nothing.
    """
    shared = shared or Shared(keeps=False)
    devices.set_threads(recipe.train.threads)
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
    return Prepared(recipe, data, head, examples, encoded, tokenizer, base, config, shared)


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
