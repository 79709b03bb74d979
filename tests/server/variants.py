"""Saved trials of other methods, derived from a trained one: random weights instead of training."""

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


def variant(trial: Path, to: Path, method: dict[str, Any], *, seed: int = 1, base: Path | None = None) -> Path:
    """A model folder as if `trial`, a result, had been trained by this method; its weights are drawn by `seed`.

    base: the folder of another pretrained model.
    """
    saved: dict[str, Any] = {**read_trial(trial.with_suffix(""))}
    saved.pop("files")
    values = {**saved["recipe"], "method": method}
    if base is not None:
        saved.pop("base")
        values["model"] = {**values["model"], "name": f"file:{base}"}
    recipe = load_resolved(values)
    saved["recipe"] = recipe.resolved()
    to.mkdir(parents=True, exist_ok=True)
    (to / ABOUT).write_text(json.dumps(saved), encoding="utf8")
    opened = loading.opened(to, None, Shared())
    torch.manual_seed(seed)
    ready = opened.ready
    model = models.load_pretrained(ready.base, ready.config, opened.head, attention=build.attention(ready))
    model = recipe.method.apply(model, opened.head.task_type)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.2)
    artifacts.save(model, to, recipe.method)
    return to
