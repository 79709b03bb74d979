"""Shows what the model will see, before training: tokens and their labels, prompts, lengths, rows left out."""

from __future__ import annotations

from pefbench.inspection.collect import inspect
from pefbench.inspection.record import Inspection

__all__ = ["Inspection", "inspect"]
