"""The weights in their file, with what was measured and the model that they were chosen with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from pefbench.apps import kept
from pefbench.apps.recommender.evidence import FEATURES
from pefbench.apps.recommender.ranking import Weights
from pefbench.atomic import write_json
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.apps.recommender.measuring import Report

TRAIN = "pefbench app recommender train"


def write(file: Path, weights: Weights, report: Report, models: Mapping[str, Path]) -> None:
    """Keep weights, with what was measured and the models that they were chosen with."""
    values = {
        "features": FEATURES,
        "first": weights.first.tolist(),
        "second": weights.second.tolist(),
        "models": _names(models),
        "reranked": weights.reranked,
        "measured": report,
    }
    write_json(file, values)


def read(file: Path, models: Mapping[str, Path], reranked: int | None) -> tuple[Weights, Report]:
    """Weights that were kept. Raises DataError where there are none, or those of other models or proposals.

    reranked: how many proposals the model is to read; None: as many as it was measured with.
    """
    with kept.reading(file, "weights", TRAIN):
        values = json.loads(file.read_text(encoding="utf8"))
        first, second = (np.array(values[name], np.float64) for name in ("first", "second"))
        weights = Weights(first, second, int(values["reranked"]))
        right = values["features"] == list(FEATURES) and values["models"] == _names(models)
        report: Report = values["measured"]
    if not right:
        raise DataError(f"{file}: chosen with another model; run {TRAIN}")
    if reranked not in {None, weights.reranked}:
        raise DataError(f"{file}: chosen and measured with reranked: {weights.reranked}; run {TRAIN}")
    return weights, report


def _names(models: Mapping[str, Path]) -> dict[str, str]:
    """The trials' own names, wherever they lie."""
    return {name: folder.name for name, folder in models.items()}
