"""The choice model must be one for the recommendation task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.apps.recommender.reranking import Reranker
from pefbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_of_another_task_is_refused(classifier: Path) -> None:
    with pytest.raises(DataError, match=r"is a model of \w+; the recommender needs one of recommendation"):
        Reranker.load(classifier)
