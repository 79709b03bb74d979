from __future__ import annotations

import pytest

from pefbench.errors import RecipeError
from pefbench.other_names import OURS
from pefbench.recipe import SECTIONS, resolve
from pefbench.registry import find


@pytest.mark.parametrize("ours", sorted({*OURS.values()}))
def test_a_hint_names_a_field_that_there_is(ours: str) -> None:
    section, _, field = ours.partition(".")
    there = find("method", "lora") if section == "method" else SECTIONS[section]
    assert field in there.model_fields


@pytest.mark.parametrize(
    ("section", "key", "method", "hint"),
    [
        ("method", "r", "lora", "it is called method.rank here$"),
        ("train", "num_train_epochs", "lora", "it is called train.epochs here$"),
        ("train", "per_device_eval_batch_size", "lora", "it is called evaluate.batch_size here$"),
        ("method", "r", "bitfit", "valid: "),  # which has no rank
        ("train", "epoch", "lora", "did you mean 'epochs'"),
    ],
)
def test_a_recipe_with_a_name_of_theirs(section: str, key: str, method: str, hint: str) -> None:
    values: dict[str, dict[str, object]] = {"data": {"source": "file:x"}, "method": {"name": method}}
    values.setdefault(section, {})[key] = 3
    with pytest.raises(RecipeError, match=rf"^{section}\.{key}: unknown key; {hint}"):
        resolve({"task": "ner", **values}, name="x")
