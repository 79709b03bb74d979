"""Reports what trials find on this machine and what looks wrong. It takes seconds and never waits for a hang."""

from __future__ import annotations

from pefbench.doctor.machine import look
from pefbench.doctor.oddities import advice

__all__ = ["advice", "look"]
