"""What the trials of one process share, read and tokenised only once: data, tokens, pretrained weights.

The key of each entry contains everything that it depends on, and entries are never changed: examples and tokens are
only read, and a model gets copies of the weights. So a trial gives the same numbers whatever ran before it in its
process.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pefbench.models import fingerprint, loading
from pefbench.trial import corpus, starting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor
    from transformers import PretrainedConfig

    from pefbench.heads import Encoded
    from pefbench.recipe import Recipe
    from pefbench.trial.corpus import Corpus
    from pefbench.trial.starting import Start

    Kept = TypeVar("Kept")


class Shared:
    """A cache shared by trials. If `keeps` is false, nothing is kept: each call reads again.

    tokens_on_disk: tokens may come from an earlier process, see `token_cache`. counts_near: near duplicates are
    counted.
    """

    def __init__(self, *, keeps: bool = True, tokens_on_disk: bool = True, counts_near: bool = True) -> None:
        self.keeps, self.tokens_on_disk, self.counts_near = keeps, tokens_on_disk, counts_near
        self._kept: dict[str, object] = {}

    def corpus(self, recipe: Recipe) -> Corpus:
        """The recipe's data."""
        return self._once(["corpus", *_data(recipe)], lambda: corpus.load(recipe, counts_near=self.counts_near))

    def start(self, recipe: Recipe) -> Start:
        """The base, tokenizer and adapters that the recipe's model resolves to."""
        return self._once(["start", recipe.model.model_dump(mode="json")], lambda: starting.resolve(recipe.model))

    def config(self, recipe: Recipe) -> PretrainedConfig:
        """The config of the recipe's model, without a head."""
        depends = ["config", recipe.model.model_dump(mode="json")]
        return self._once(depends, lambda: loading.load_config(self.start(recipe).base, recipe.model))

    def positions(self, recipe: Recipe, count: Callable[[], int]) -> int:
        """The number of positions of the recipe's model with its task's head; calls `count` if it is not cached."""
        return self._once(["positions", recipe.task, recipe.model.model_dump(mode="json")], count)

    def encoded(self, recipe: Recipe, split: str, encode: Callable[[], Encoded]) -> Encoded:
        """A tokenised split of the recipe; calls `encode` if it is not cached."""
        depends = [*_data(recipe), recipe.model.model_dump(mode="json"), recipe.train.max_length, split]
        if recipe.train.max_examples is not None:  # decides what is learned from, and the scale of scores
            depends.append(recipe.train.max_examples)
        return self._once(["encoded", *depends], encode)

    def weights(self, base: Path) -> Mapping[str, Tensor] | None:
        """The weights in a model's folder, for copying; None if they must be read from there."""
        return self._once(["weights", str(base)], lambda: loading.read_weights(base)) if self.keeps else None

    def fingerprint(self, base: Path) -> str:
        """The fingerprint of the weights in a model's folder."""
        return self._once(["fingerprint", str(base)], lambda: fingerprint.of_weights(base))

    def settings(self, start: Start) -> str:
        """The fingerprint of everything that a trial starts from except weights: configs and tokenizer."""
        folders = [start.base, start.tokenizer, *(adapter.folder for adapter in start.adapters)]
        return self._once(["settings", *map(str, folders)], lambda: fingerprint.of_settings(folders))

    def _once(self, depends: list[Any], make: Callable[[], Kept]) -> Kept:
        if not self.keeps:
            return make()
        key = json.dumps(depends, sort_keys=True)
        if key not in self._kept:
            self._kept[key] = make()
        return cast("Kept", self._kept[key])  # the key determines the type


def _data(recipe: Recipe) -> list[Any]:
    return [recipe.task, recipe.options.model_dump(mode="json"), recipe.data.model_dump(mode="json")]
