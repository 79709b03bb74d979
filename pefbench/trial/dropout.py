"""How a trial draws its dropout: by example and step, independent of the number of processes, or by process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pefbench import hardware
from pefbench.models import loading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transformers import PretrainedConfig

    from pefbench.methods import Method
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
"""Types of models whose dropout can be drawn by example (`models.keyed_dropout`): it goes through
torch.nn.functional.dropout, and its inputs have the batch as their first dimension. A test tries each type.
"""
WHOLE_LAYERS, WHOLE_UPDATES = "layerdrop", "module_dropout"
"""Parts of the names of rates that drop whole layers, or updates of layers, for all rows of a batch at once."""


def how_drawn(recipe: Recipe, config: PretrainedConfig) -> Drawn:
    """How training draws random numbers besides the data's order, for this method and a model with this config.

    The config already contains the recipe's dropout. On a GPU, torch's fused kernels draw from each process's
    generator.
    """
    model, method = _rates_of(config, recipe.method)
    if not model and not method:
        return "not at all"
    by_example = (
        {part.model_type for part in loading.stacks(config)} <= BY_EXAMPLE
        and not any(WHOLE_LAYERS in name for name in model)
        and (recipe.method.dropout_by_example or not method)
        and hardware.kind() == "cpu"
        and not recipe.train.packing  # a row is not an example
    )
    return "by example and step" if by_example else "by process"


def leaves_modules_out(recipe: Recipe, config: PretrainedConfig) -> bool:
    """Whether whole layers, or updates of layers, are dropped at random, along with their trained weights."""
    model, method = _rates_of(config, recipe.method)
    return any(WHOLE_LAYERS in name for name in model) or any(WHOLE_UPDATES in name for name in method)


def _rates_of(config: PretrainedConfig, method: Method) -> tuple[set[str], set[str]]:
    """The names of the dropout rates above 0: the model's, and the method's."""
    model = {name for part in loading.stacks(config) for name in _rates(part.to_dict())}
    return model, {*_rates(method.model_dump() | getattr(method, "options", {}))}


def _rates(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if "drop" in name and isinstance(value, float) and value > 0:
            yield name
