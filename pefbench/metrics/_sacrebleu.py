"""Shared by sacreBLEU's metrics: a corpus's score, and the examples' statistics from which it is computed.

Post 2018, "A Call for Clarity in Reporting BLEU Scores", arXiv:1804.08771.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.metrics._base import AdditiveMetric
from pefbench.metrics._texts import TextMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class SacreMetric(AdditiveMetric, TextMetric):
    """A metric of sacreBLEU, from 0 to 100.

    Predictions: one text per example. References: one or more texts per example, not always the same number.
    """

    library = "sacrebleu"

    settings = ""
    """sacreBLEU's settings; once texts were scored, with their number of references."""

    @abstractmethod
    def scorer(self) -> Any:
        """SacreBLEU's metric."""

    def _compute(self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
        scorer = self.scorer()
        found = scorer.corpus_score([*predictions], _streams(references)).score
        self.settings = f"nrefs:{scorer.get_signature().info['nrefs']}|{_settings(scorer)}"
        return {self.headline: float(found)}

    def signature(self) -> str:
        """SacreBLEU's own settings in ours."""
        self.settings = self.settings or _settings(self.scorer())
        return super().signature()

    def counts(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """SacreBLEU's statistics of each example, for its best reference if the metric uses that."""
        found = self.scorer()._extract_corpus_statistics([*predictions], _streams(references))
        return np.asarray(found, dtype=np.float64)


def _streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """The first reference of each example, then the second of each, and so on; None if there is none."""
    return [list(stream) for stream in zip_longest(*references)]


def _settings(scorer: Any) -> str:
    """The settings in sacreBLEU's own signature, without its version and the number of references."""
    scorer.num_refs = getattr(scorer, "num_refs", 1)
    own = scorer.get_signature().info
    return "|".join(
        f"{name}:{value}" for name, value in own.items() if name not in ("version", "nrefs") and value is not None
    )
