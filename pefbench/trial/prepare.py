"""From a recipe to everything that training and prediction need: examples, tokens, a config. Refuses bad input."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, counted
from pefbench.models import loading, quantization, sparse_attention, vocabulary
from pefbench.models.from_pretrained import TOKENIZER
from pefbench.trial import adapters, corpus, devices, token_cache
from pefbench.trial.cache import Shared
from pefbench.trial.subset import subset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import Dataset, Encoded, Head
    from pefbench.models.checkpoint import Checkpoint
    from pefbench.recipe import Recipe
    from pefbench.sections import ModelSection
    from pefbench.trial.adapters import Adapter
    from pefbench.trial.corpus import Corpus
    from pefbench.trial.phases import Phases
    from pefbench.trial.starting import Start


SHORTEST = 8
"""A default maximum length is lowered to this at least; a model with fewer positions left is refused."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Everything that `build` needs to make a recipe's model.

    recipe: with `auto` precision resolved, and a maximum length that the model has positions for. start: the folders.
    adapters: those that training starts from, in order, settled. new_rows: embeddings added for tokens that have none.
    notes: other adjustments to the model.
    """

    recipe: Recipe
    head: Head
    tokenizer: PreTrainedTokenizerFast
    start: Start
    config: PretrainedConfig
    checkpoint: Checkpoint
    adapters: Sequence[Adapter] = ()
    new_rows: int = 0
    notes: Sequence[str] = ()

    @property
    def base(self) -> Path:
        """The folder with the pretrained weights."""
        return self.start.base


@dataclass(frozen=True, kw_only=True)
class Prepared(Ready):
    """`Ready` with the recipe's data.

    examples: by split; train after `max_examples`. refused: why rows that the model cannot take were left out, with
    file and line.
    """

    corpus: Corpus
    examples: Mapping[str, Sequence[Any]]
    encoded: Mapping[str, Encoded]
    refused: Sequence[str] = ()


def prepare(
    recipe: Recipe,
    phases: Phases,
    splits: Sequence[str] = corpus.SPLITS,
    shared: Shared | None = None,
    *,
    saved: Path | None = None,
) -> Prepared:
    """Read and tokenise a recipe's data, and read its model's config. Raises a UserError for what cannot work.

    shared: what other trials of this process have already read and tokenised; None: nothing. saved: see `ready`.
    """
    shared = shared or Shared(keeps=False)
    with phases.measure("load"):
        data = _limited(recipe, shared.corpus(with_precision(recipe)))
        found = ready(recipe, data.dataset, shared, saved)
    recipe, head, tokenizer = found.recipe, found.head, found.tokenizer
    with phases.measure("tokenize"):
        kept, refused = _accepted(recipe, head, tokenizer, {split: data.dataset.splits[split] for split in splits})
        limit, seed = recipe.train.max_examples, recipe.data.seed or 0
        examples = {split: subset(kept[split], limit if split == "train" else None, seed) for split in splits}
        head = head.balanced(examples.get("train", ())) if recipe.train.class_weights else head
        encoded = {
            split: shared.encoded(
                recipe, split, partial(_encoded, recipe, head, tokenizer, examples[split], found.start, shared)
            )
            for split in splits
        }
    made = {field.name: getattr(found, field.name) for field in fields(Ready)} | {"head": head}
    return Prepared(**made, corpus=data, examples=examples, encoded=encoded, refused=refused)


def _limited(recipe: Recipe, data: Corpus) -> Corpus:
    """The corpus whose head knows the scores of the examples that `train.max_examples` selects, not of the others."""
    if recipe.train.max_examples is None:
        return data
    drawn = subset(data.dataset.splits["train"], recipe.train.max_examples, recipe.data.seed or 0)
    return replace(data, dataset=data.dataset.known_from(drawn))


def _encoded(
    recipe: Recipe,
    head: Head,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Any],
    start: Start,
    shared: Shared,
) -> Encoded:
    """Examples as tokens, possibly from an earlier process."""
    if not shared.tokens_on_disk or not recipe.train.fast_paths:
        return head.encode(tokenizer, examples, recipe.train.max_length)
    return token_cache.encoded(recipe, head, tokenizer, examples, partial(shared.settings, start))


def ready(recipe: Recipe, dataset: Dataset, shared: Shared, saved: Path | None = None) -> Ready:
    """What a recipe's model is made from, with the head of a data set. Raises a UserError for what cannot work.

    saved: the folder of the recipe's trained model, whose tokenizer is used: the base may have been given another one.
    """
    recipe = with_precision(recipe)
    start, named = shared.start(recipe), recipe.model
    if saved is not None and (saved / TOKENIZER).is_file():  # older trials saved none
        start, named = replace(start, tokenizer=saved), named.model_copy(update={"name": str(saved)})
    head, tokenizer, config, found = _opened(recipe, dataset, start, named)
    before = adapters.settle(
        start.adapters,
        found,
        config,
        head,
        chosen=recipe.model.adapter_mode,
        quantised=recipe.model.quantize != "none",
    )
    recipe, notes = _fitted(recipe, loading.count_positions(found, tokenizer))
    grows = recipe.method.trains_everything and vocabulary.can_grow(config)
    new_rows = vocabulary.rows_to_add(tokenizer, found.vocabulary) if grows else 0
    notes += _grown(new_rows, found.vocabulary)
    sparse_attention.settle(config, recipe.train.max_length + recipe.method.virtual_tokens())
    loading.check_positions(
        found, tokenizer, recipe.model.name, recipe.train.max_length, recipe.method.virtual_tokens()
    )
    quantization.check_installed(recipe.model.quantize, recipe.train.optimizer)
    return Ready(
        recipe=recipe,
        head=head,
        tokenizer=tokenizer,
        start=start,
        config=config,
        checkpoint=found,
        adapters=before,
        new_rows=new_rows,
        notes=notes,
    )


def as_trained(recipe: Recipe, dataset: Dataset, shared: Shared) -> Recipe:
    """The recipe as its trial records it, with precision and maximum length resolved."""
    recipe = with_precision(recipe)
    if "max_length" in recipe.train.model_fields_set:
        return recipe

    def count() -> int:
        _, tokenizer, _, found = _opened(recipe, dataset, shared.start(recipe), recipe.model)
        return loading.count_positions(found, tokenizer)

    return _fitted(recipe, shared.positions(recipe, count))[0]


def _opened(
    recipe: Recipe, dataset: Dataset, start: Start, named: ModelSection
) -> tuple[Head, PreTrainedTokenizerFast, PretrainedConfig, Checkpoint]:
    """The head, the tokenizer, the config with the head's entries, and the state of the checkpoint's weights.

    named: names the tokenizer in messages.
    """
    head = dataset.head(loading.load_config(start.base, recipe.model))
    head = head.pooled() if recipe.model.pooling else head
    head = head if recipe.train.fast_paths else head.plain()
    tokenizer = loading.load_tokenizer(start.tokenizer, named, head)
    config = loading.fit_config(start.base, recipe.model, head, tokenizer)
    return head, tokenizer, config, loading.examine(start.base, config, head, recipe.model.name)


def _accepted(
    recipe: Recipe, head: Head, tokenizer: PreTrainedTokenizerFast, splits: Mapping[str, Sequence[Any]]
) -> tuple[dict[str, Sequence[Any]], list[str]]:
    """The examples that the model can take, by split, and why the others were left out.

    The others are bad rows: the first is an error unless `data.on_bad_row` is skip. Raises DataError also if no example
    is left.
    """
    kept, refused = dict(splits), list[str]()
    for split, examples in splits.items():
        reasons = dict[int, str]()
        for number, reason in head.refusals(tokenizer, examples, recipe.train.max_length):
            if recipe.data.on_bad_row == "error":
                raise DataError(reason)
            reasons[number] = reason
        if reasons:
            kept[split] = [example for number, example in enumerate(examples) if number not in reasons]
            refused += reasons.values()
        if not kept[split]:
            raise DataError(f"{recipe.data.source}: the {split} split is empty: {next(iter(reasons.values()))}")
    return kept, refused


def _fitted(recipe: Recipe, positions: int) -> tuple[Recipe, list[str]]:
    """The recipe with a default maximum length lowered to the model's positions; a length set in the recipe stays."""
    most, default = positions - recipe.method.virtual_tokens(), recipe.train.max_length
    if default <= most or most < SHORTEST or "max_length" in recipe.train.model_fields_set:
        return recipe, []
    note = f"train.max_length is {most}, not the default {default}: {recipe.model.name} has {positions} positions"
    return recipe.with_train(max_length=most), [note]


def _grown(new_rows: int, before: int) -> list[str]:
    if not new_rows:
        return []
    note = (
        f"{counted(new_rows, 'embedding')} added to the model's {before}: its tokenizer has {before + new_rows} tokens"
    )
    return [f"{note}; they are initialised around the mean of the others"]


def with_precision(recipe: Recipe) -> Recipe:
    """The recipe with `auto` precision resolved for this machine."""
    return recipe.with_train(precision=devices.resolve_precision(recipe.train.precision))
