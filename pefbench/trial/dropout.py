"""How a trial draws its dropout: by example and step, so that any number of processes trains alike, or by process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pefbench import hardware
from pefbench.models import loading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transformers import PretrainedConfig

    from pefbench.recipe import Recipe

Drawn = Literal["not at all", "by example and step", "by process"]

BY_EXAMPLE = frozenset(
    {
        "albert",
        "bart",
        "bert",
        "big_bird",
        "bloom",
        "camembert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "encoder-decoder",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt2",
        "gpt_neox",
        "led",
        "llama",
        "longformer",
        "marian",
        "mbart",
        "mistral",
        "mixtral",
        "modernbert",
        "mpnet",
        "mt5",
        "opt",
        "pegasus",
        "phi",
        "qwen2",
        "qwen3",
        "roberta",
        "t5",
        "xlm-roberta",
    }
)
"""Types of models whose dropout has all it needs to be drawn by example (`models.keyed_dropout`): it goes through
torch.nn.functional.dropout, and its inputs have the rows of the batch first. A test tries each."""
WHOLE_LAYERS, WHOLE_UPDATES = "layerdrop", "module_dropout"
"""In the name of a rate by which whole layers, or updates of layers, are left out, for all rows of a batch at once."""


def how_drawn(recipe: Recipe, config: PretrainedConfig) -> Drawn:
    """How training a model of this config, the recipe's dropout in it, draws random numbers beyond the data's order.

    On a GPU torch's fused kernels draw them, from a generator of each process.
    """
    model = dict(rate for part in loading.stacks(config) for rate in _rates(part.to_dict()))
    method = dict(_rates(recipe.method.model_dump() | getattr(recipe.method, "options", {})))
    if not model and not method:
        return "not at all"
    by_example = (
        {part.model_type for part in loading.stacks(config)} <= BY_EXAMPLE
        and not any(WHOLE_LAYERS in name for name in model)
        and (recipe.method.dropout_by_example or not method)
        and hardware.kind() == "cpu"
        and not recipe.train.packing  # a row is no example
    )
    return "by example and step" if by_example else "by process"


def leaves_modules_out(recipe: Recipe, config: PretrainedConfig) -> bool:
    """Whether whole layers, or updates of layers, are left out at random, with the weights that are trained in them."""
    model = [name for part in loading.stacks(config) for name, _ in _rates(part.to_dict())]
    method = [name for name, _ in _rates(recipe.method.model_dump() | getattr(recipe.method, "options", {}))]
    return any(WHOLE_LAYERS in name for name in model) or any(WHOLE_UPDATES in name for name in method)


def _rates(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The dropout rates above 0 among options, by name."""
    for name, value in values.items():
        if "drop" in name and isinstance(value, float) and value > 0:
            yield name, value
