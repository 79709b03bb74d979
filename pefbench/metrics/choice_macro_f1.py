"""Macro F1 of choices among fixed candidates, such as yes, no and maybe: each candidate is a class.

PubMedQA reports it beside the accuracy (Jin et al. 2019, arXiv:1909.06146). If candidates differ from example to
example, or are shuffled, their positions are not classes, and the value is meaningless.
"""

from __future__ import annotations

from typing import Any

from pefbench.metrics._ranks import PLACE
from pefbench.metrics.macro_f1 import MacroF1


class ChoiceMacroF1(MacroF1):
    """Macro F1 over candidates, and the report with one row per candidate, by their places from 0.

    Predictions: the place of the chosen candidate, which `read` takes from an answer of the choice head; references:
    that of the right one; equally many, ValueError otherwise.
    """

    prediction = PLACE
    reference = PLACE

    def read(self, answer: Any) -> int:
        """The index of the chosen candidate."""
        return int(answer["choice"])


METRIC = ChoiceMacroF1
