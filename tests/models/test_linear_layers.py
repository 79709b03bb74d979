from __future__ import annotations

import pytest
from torch import nn
from transformers import Llama4TextConfig
from transformers.models.llama4.modeling_llama4 import Llama4Router
from transformers.pytorch_utils import Conv1D

from pefbench.errors import MethodError
from pefbench.models import linear_layers


def test_kinds_of_linear_layers() -> None:
    assert linear_layers.is_transposed(Conv1D(nf=3, nx=2))
    assert not linear_layers.is_transposed(nn.Linear(2, 3))
    assert not linear_layers.is_quantised(nn.Linear(2, 3))
    assert not linear_layers.is_quantised(nn.Identity())


def test_a_router_is_no_linear_layer() -> None:
    router = Llama4Router(Llama4TextConfig(hidden_size=8, num_local_experts=2))
    assert isinstance(router, nn.Linear)
    assert not linear_layers.is_linear(router)


def test_features_of_what_is_not_a_linear_layer() -> None:
    assert linear_layers.features(Conv1D(nf=3, nx=2)) == (2, 3)
    with pytest.raises(MethodError, match="Embedding is not a linear layer"):
        linear_layers.features(nn.Embedding(2, 2))
