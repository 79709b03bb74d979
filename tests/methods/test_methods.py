"""Every method on a tiny model: what it trains, and which linear layers it adapts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pefbench.errors import MethodError
from pefbench.methods.lora import Lora
from pefbench.registry import names
from tests.methods import trial
from tests.tiny import model

NEEDED: dict[str, dict[str, Any]] = {"peft": {"type": "HRA"}}
"""Options without a default."""


@pytest.mark.parametrize("name", names("method"))
def test_what_is_trained_is_what_the_method_says_and_the_head(name: str) -> None:
    how = trial.method(name, **NEEDED.get(name, {}))
    adapted = how.apply(model("bert"), "TOKEN_CLS")
    trained = trial.trained_names(adapted)
    assert trained == trial.said_names(how, adapted)
    assert {
        re.sub(r".*classifier\.(modules_to_save\.default\.)?", "", key) for key in trained if "classifier" in key
    } == {
        "weight",
        "bias",
    }


def test_targets_are_found_by_their_endings() -> None:
    base = model("bert")
    chosen = Lora(name="lora", target_modules=["query", "output.dense"]).targets(base)
    assert chosen
    assert all(name.endswith((".query", "output.dense")) for name in chosen)
    with pytest.raises(
        MethodError, match=r"method.target_modules: 'q_proj' matches no linear layer of BertFor.*valid: .*query"
    ):
        Lora(name="lora", target_modules=["q_proj"]).targets(base)
