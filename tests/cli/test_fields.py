"""`pefbench list fields`: every field of a recipe, and the options of each task, method and metric."""

from __future__ import annotations

import pytest

from pefbench.cli import _fields
from pefbench.cli._json_schema import options
from pefbench.errors import UserError
from pefbench.recipe import SECTIONS
from pefbench.registry import find, names


def test_every_field_has_a_type_a_default_and_a_meaning() -> None:
    lines = _fields.render(None).splitlines()
    fields = [line for line in lines if not line.startswith(" ")]
    for section, schema in SECTIONS.items():
        for name in schema.model_fields:
            [line] = [line for line in fields if line.startswith(f"{section}.{name} ")]
            assert lines[lines.index(line) + 1].startswith("    ")
            assert "any" not in line.partition("(")[2].split()
    assert "train.batch_size  (integer >= 1; default: 32)" in fields
    assert "train.learning_rate  (number > 0; default: the method's rate)" in fields
    assert "train.max_examples  (integer >= 1 or null; default: null)" in fields
    assert "train.schedule  (linear | cosine | constant; default: linear)" in fields
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("kind", _fields.KINDS)
def test_every_option_is_explained(kind: str) -> None:
    whole = _fields.render(kind)
    for name in names(kind):
        said = _fields.render(name)
        assert said in whole
        assert said.startswith(f"{kind} {name}: ")
        for option, schema in options(kind, name).items():
            assert f".{option}  (" in said
            assert schema.get("description"), f"{kind} {name}: {option} has no description"


def test_what_a_task_and_a_method_bring() -> None:
    assert "default: train.learning_rate: 0.001" in _fields.render("lora").splitlines()
    ner = _fields.render("ner").splitlines()
    assert "default: train.batch_size: 8" in ner
    assert "default: evaluate.metrics: [entity_f1, token_report]" in ner
    assert f"data.columns names: {', '.join(find('task', 'ner').columns)}" in ner


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match=r"list fields lorra: neither a section nor .*; did you mean 'lora'\?"):
        _fields.render("lorra")
