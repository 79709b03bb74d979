"""Heads apart from their backbones: a head gets the shared base's output for its rows and computes the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call

from pefbench.models import architecture, last_token, loading
from pefbench.server.base import even
from pefbench.server.mixing.part import Unmixed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from transformers import PretrainedConfig

    from pefbench.models.loading import HeadSpec
    from pefbench.server.base import Base


class Handed(nn.Module):
    """Replaces the backbone: returns the output that was set."""

    def __init__(self) -> None:
        super().__init__()
        self.output: Any = None

    def forward(self, *_args: object, **_kwargs: object) -> Any:
        """The output that was set."""
        return self.output


class Shell:
    """A transformers model without weights, shared by all adapters with the same kind of head. One thread at a time.

    backbone: the attribute that holds the backbone. names: the head's weights, with their shapes. Raises Unmixed if the
    head belongs to the pretrained weights or the backbone differs from the base's.
    """

    def __init__(self, config: PretrainedConfig, head: HeadSpec, base: Base) -> None:
        kind = loading.model_class(config, head)
        with torch.device("meta"):
            model = kind(config).eval()
        if not architecture.head_modules(model):
            raise Unmixed(f"the head of {kind.__name__} is pretrained, and no adapter's own")
        self.backbone = architecture.backbone_name(model)
        inside = architecture.backbone(model)
        if not self.backbone or type(inside) is not type(base.backbone):
            raise Unmixed(f"{kind.__name__} has a backbone of another kind than the base's")
        shapes = {name: tuple(weight.shape) for name, weight in inside.state_dict().items()}
        if any(base.weights.get(name) != shape for name, shape in shapes.items()):
            raise Unmixed(f"{kind.__name__} has a backbone with weights that the base lacks")
        self._handed = Handed()
        setattr(model, self.backbone, self._handed)
        last_token.follow_lengths(model)
        if any(True for _ in model.buffers()):
            raise Unmixed(f"the head of {kind.__name__} has buffers")
        self.names = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
        self.model: Any = model
        self.config = model.config

    @staticmethod
    def key(config: PretrainedConfig, head: HeadSpec) -> str:
        """A key that is equal for equal shells: everything except the labels' names."""
        values = {name: value for name, value in config.to_dict().items() if name not in {"id2label", "label2id"}}
        values["num_labels"] = config.num_labels
        return f"{head.auto_class} {json.dumps(values, sort_keys=True, default=str)}"

    def run(self, weights: Mapping[str, Tensor], states: Any, given: Mapping[str, Any]) -> Any:
        """The head's output with these weights. states: the base's output for the rows of `given`."""
        rows = len(given["input_ids"])
        chosen = torch.arange(even(rows)).clamp(max=rows - 1)
        self._handed.output = _each(states, lambda tensor: tensor[chosen], rows)
        padded = {name: _chosen(value, chosen, rows) for name, value in given.items()}
        try:
            found = functional_call(self.model, dict(weights), args=(), kwargs=padded)
        finally:
            self._handed.output = None
        return _each(found, lambda tensor: tensor[:rows], len(chosen))


class Own:
    """Instead of a Shell, for a language model, whose head is the base's own. Raises Unmixed if it has no backbone."""

    def __init__(self, config: PretrainedConfig, base: Base) -> None:
        self.backbone = architecture.backbone_name(base.whole)
        if not self.backbone:
            raise Unmixed(f"{type(base.whole).__name__} has no backbone of its own")
        self.names: dict[str, tuple[int, ...]] = {}
        self.config = config


class HeadModel:
    """One adapter's head on precomputed states; `Head.scored` gets it as the model."""

    def __init__(self, shell: Shell, weights: Mapping[str, Tensor], states: Any) -> None:
        self._shell, self._weights, self._states = shell, weights, states
        self.config = shell.config

    def __call__(self, **given: Any) -> Any:
        """The outputs of transformers' model."""
        return self._shell.run(self._weights, self._states, given)


def rows_of(states: Any, first: int, end: int) -> Any:
    """Rows [first, end) of a backbone's hidden states and pooled output."""
    kept = {name: value for name, value in states.items() if name in {"last_hidden_state", "pooler_output"}}
    return type(states)(**{name: value[first:end] for name, value in kept.items() if value is not None})


def _each(output: Any, change: Any, rows: int) -> Any:
    """A transformers output with `change` applied to each tensor that has this many rows."""
    return type(output)(**{name: _changed(value, change, rows) for name, value in output.items()})


def _changed(value: Any, change: Any, rows: int) -> Any:
    return change(value) if isinstance(value, torch.Tensor) and value.ndim and len(value) == rows else value


def _chosen(value: Any, chosen: Tensor, rows: int) -> Any:
    return value[chosen] if isinstance(value, torch.Tensor) and value.ndim and len(value) == rows else value
