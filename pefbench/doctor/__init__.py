"""What trials find on this machine, and what about it is odd. It takes seconds, and waits for nothing that hangs."""

from __future__ import annotations

from pefbench.doctor.machine import look
from pefbench.doctor.oddities import advice

__all__ = ["advice", "look"]
