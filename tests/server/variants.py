"""Saved trials of other methods, made of one that was trained: random weights in place of training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch

from pefbench.inference import loading
from pefbench.models import loading as models
from pefbench.recipe import load_resolved
from pefbench.trial import artifacts, build
from pefbench.trial.cache import Shared
from pefbench.trial.saved import ABOUT, read_trial

if TYPE_CHECKING:
    from pathlib import Path


def variant(trial: Path, to: Path, method: dict[str, Any], *, seed: int = 1) -> Path:
    """A model folder as if `trial`, a result, had been trained by this method; its weights are drawn by `seed`."""
    saved: dict[str, Any] = {**read_trial(trial.with_suffix(""))}
    saved.pop("files")
    opened = loading.opened(trial, None, Shared())
    values = {**saved["recipe"], "method": method}
    recipe = load_resolved(values)
    torch.manual_seed(seed)
    ready = opened.ready
    model = models.load_pretrained(ready.base, ready.config, opened.head, attention=build.attention(ready))
    model = recipe.method.apply(model, opened.head.task_type)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.2)
    artifacts.save(model, to, recipe.method)
    saved["recipe"] = recipe.resolved()
    (to / ABOUT).write_text(json.dumps(saved), encoding="utf8")
    return to
