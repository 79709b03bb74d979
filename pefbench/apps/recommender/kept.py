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


def write(file: Path, weights: Weights, report: Report, models: Mapping[str, Path], reranked: int) -> None:
    """Keep weights. reranked: how many proposals the model read as they were chosen and measured."""
    values = {
        "features": FEATURES,
        "first": weights.first.tolist(),
        "second": weights.second.tolist(),
        "models": _names(models),
        "reranked": reranked,
        "measured": report,
    }
    write_json(file, values)


def read(file: Path, models: Mapping[str, Path], reranked: int) -> tuple[Weights, Report]:
    """Weights that were kept. Raises DataError where there are none, or those of other models or proposals."""
    with kept.reading(file, "weights", TRAIN):
        values = json.loads(file.read_text(encoding="utf8"))
        weights = Weights(np.array(values["first"], np.float64), np.array(values["second"], np.float64))
        right = values["features"] == list(FEATURES) and values["models"] == _names(models)
        report: Report = values["measured"]
        before = values["reranked"]
    if not right:
        raise DataError(f"{file}: chosen with another model; run {TRAIN}")
    if before != reranked:
        raise DataError(f"{file}: chosen and measured with reranked: {before}; run {TRAIN}")
    return weights, report


def _names(models: Mapping[str, Path]) -> dict[str, str]:
    """The trials' own names, wherever they lie."""
    return {name: folder.name for name, folder in models.items()}
