"""VeRA: what it computes, and how its random matrices are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.methods import trial

if TYPE_CHECKING:
    from pathlib import Path

RANK = 8


def vera(**options: Any) -> Any:
    return trial.method("vera", rank=RANK, **options)


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama", "t5"])
def test_a_trial(architecture: str, tmp_path: Path) -> None:
    model: Any = trial.check(vera(), architecture, tmp_path)
    expected = trial.predicted(model, architecture)
    torch.testing.assert_close(
        trial.predicted(model.merge_and_unload(), architecture),
        expected,
        rtol=1e-4,
        atol=1e-5 * float(expected.abs().max()),
    )


@pytest.mark.parametrize("architecture", ["bert", "deberta-v2"])
def test_a_trial_in_bf16(architecture: str, tmp_path: Path) -> None:
    trial.check(vera(), architecture, tmp_path, precision="bf16")


def test_by_hand() -> None:
    model = trial.applied(vera(d_initial=0.5), "llama")
    layer: Any = model.get_submodule("base_model.model.model.layers.0.mlp.down_proj")
    scale = nn.init.normal_(layer.vera_lambda_b["default"])
    assert (layer.vera_lambda_d["default"] == 0.5).all()
    inputs = torch.randn(3, layer.in_features)
    down, up = layer.vera_A["default"][:, : layer.in_features], layer.vera_B["default"][: layer.out_features]
    expected = layer.base_layer(inputs) + scale * (0.5 * (inputs @ down.T) @ up.T)
    torch.testing.assert_close(layer(inputs), expected)


def test_the_random_matrices_follow_from_the_seed_and_are_saved(tmp_path: Path) -> None:
    found = []
    for seed in (0, 0, 1):
        model = trial.applied(vera(projection_seed=seed), "bert")
        cast("Any", model).save_pretrained(tmp_path)
        found.append(load_file(tmp_path / "adapter_model.safetensors")["base_model.vera_A"])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
