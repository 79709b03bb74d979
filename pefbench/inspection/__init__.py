"""What the model will see, before any training: tokens and their labels, prompts, lengths, what was left out."""

from __future__ import annotations

from pefbench.inspection.collect import inspect
from pefbench.inspection.record import Inspection

__all__ = ["Inspection", "inspect"]
