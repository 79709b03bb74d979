"""Patches change the library where they should and are undone; nothing else modifies a library."""

from __future__ import annotations

import copy
import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import MODEL_TYPE_TO_PEFT_MODEL_MAPPING, PeftConfig, PeftModel, PeftType
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.boft import layer as peft_boft
from peft.tuners.tuners_utils import BaseTuner
from torch.nn import functional as torch_functional
from transformers import AttentionInterface, tokenization_utils_base

from pefbench.models.patches import attention, boft, functional, methods, peft_types, task_types, templates
from pefbench.paths import PACKAGE
from tests import tiny

PATCHES = PACKAGE / "models" / "patches"
CHANGES = re.compile(
    r"addFilter|filterwarnings|register_peft_method|extend_enum|AttentionInterface|MethodType|_FBD_CUDA|\.forward = "
    r"|set_attn_implementation|\bfunctional\.\w+(, functional\.\w+)* = "
)
OURS = {"cli/_terminal.py"}
"""What the command line keeps from its own output, and nothing else does."""


def test_libraries_are_changed_in_one_place() -> None:
    others = [
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if PATCHES not in file.parents and CHANGES.search(file.read_text(encoding="utf8"))
    ]
    assert set(others) == OURS, "changes of a library belong to models/patches"


def test_each_patch_says_what_why_since_when_and_how_it_is_undone() -> None:
    for file in PATCHES.glob("[a-z]*.py"):
        text = file.read_text(encoding="utf8")
        assert "Since:" in text, file
        assert "Undone" in text, file


def test_a_method_of_one_object() -> None:
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    x = torch.ones(1, 2)
    methods.replace(one, "forward", lambda layer, x: layer.bias + 0 * x)
    assert torch.equal(one(x)[0], one.bias)
    assert torch.equal(methods.original(one, "forward")(x), torch_functional.linear(x, one.weight, one.bias))
    assert not torch.equal(other(x)[0], other.bias)
    copied = copy.deepcopy(one)
    copied.bias.data.zero_()
    assert not copied(x).any()  # the copy's own method, not that of what was copied
    methods.put(one, "forward", lambda _: "put")
    assert one(x) == "put"
    methods.restore(one, "forward")
    methods.restore(one, "forward")
    assert torch.equal(one(x), torch_functional.linear(x, one.weight, one.bias))


def _fail_with(own: Any) -> None:
    with functional.replaced(linear=own.linear, dropout=own.dropout):
        given: Any = torch_functional
        assert given.linear(1, 2) == "linear"
        assert given.dropout(1) == "dropout"
        raise ZeroDivisionError


def test_functions_of_torch_are_given_back_after_an_error() -> None:
    own: Any = SimpleNamespace(linear=lambda *_: "linear", dropout=lambda *_: "dropout")
    with pytest.raises(ZeroDivisionError):
        _fail_with(own)
    assert torch_functional.linear is functional.stock_linear
    assert torch_functional.dropout is functional.stock_dropout


def test_an_attention_function_and_the_config_of_one_module() -> None:
    attention.register("test_function", print)
    model: Any = tiny.token_classifier("distilbert")
    module = model.distilbert.transformer.layer[0].attention
    before = module.config
    own = attention.use(module, "test_function")
    assert own is before
    assert attention.function_of(module.config, None) is print
    assert own._attn_implementation != "test_function"
    attention.restore(module, own)
    assert module.config is before
    attention.unregister("test_function")
    attention.unregister("test_function")
    assert "test_function" not in AttentionInterface().valid_keys()


def test_a_model_attends_eagerly_for_a_while() -> None:
    model: Any = tiny.token_classifier("distilbert")
    model.set_attn_implementation("sdpa")
    with attention.eager(model):
        assert model.config._attn_implementation == "eager"
    assert model.config._attn_implementation == "sdpa"


class TestTuner(BaseTuner):  # type: ignore[misc]
    """No tuner that works."""

    __test__ = False
    prefix = "test_type_"


def test_a_type_of_peft() -> None:
    for _ in range(2):
        peft_types.register("test_type", PeftConfig, TestTuner, "test_type_")
    assert peft_types.member("test_type") is PeftType("TEST_TYPE")
    assert PEFT_TYPE_TO_TUNER_MAPPING["TEST_TYPE"] is TestTuner
    with pytest.raises(KeyError):
        peft_types.register("test_type", PeftConfig, BaseTuner, "test_type_")
    peft_types.unregister("test_type")
    peft_types.unregister("test_type")
    assert "TEST_TYPE" not in PEFT_TYPE_TO_TUNER_MAPPING
    assert "TEST_TYPE" not in PEFT_TYPE_TO_CONFIG_MAPPING


def test_the_operation_of_boft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peft_boft, "_FBD_CUDA", peft_boft._FBD_CUDA)
    boft.register(SimpleNamespace)
    assert peft_boft._FBD_CUDA is SimpleNamespace
    boft.unregister()
    assert peft_boft._FBD_CUDA is not SimpleNamespace


def test_templates_are_rendered_apart_inside_the_block_alone() -> None:
    library: Any = tokenization_utils_base
    stock = library.render_jinja_template
    with templates.rendered_apart(5):
        assert library.render_jinja_template is not stock
    assert library.render_jinja_template is stock


def test_task_types_come_and_go() -> None:
    class TestModel(PeftModel):  # type: ignore[misc]
        pass

    with pytest.raises(ValueError, match="Invalid task type: 'TEST_TASK'"):
        PeftConfig(task_type="TEST_TASK")
    task_types.register("TEST_TASK", TestModel)
    task_types.register("TEST_TASK", TestModel)
    assert PeftConfig(task_type="TEST_TASK").task_type == "TEST_TASK"
    assert MODEL_TYPE_TO_PEFT_MODEL_MAPPING["TEST_TASK"] is TestModel
    task_types.unregister("TEST_TASK")
    task_types.unregister("TEST_TASK")
    assert "TEST_TASK" not in MODEL_TYPE_TO_PEFT_MODEL_MAPPING
