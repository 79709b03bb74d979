"""Checks whether results are worse than a baseline: metrics, training time or throughput, peak memory.

``matching`` decides which trials are compared, ``quality`` and ``costs`` compare them, ``predictions`` has the paired
test, and ``together`` looks for many losses that are each too small to show. ``findings`` combines all and
``rendering`` shows the result. Nothing heavy is imported unless predictions differ.
"""

from pefbench.analysis.checks.findings import check
from pefbench.analysis.checks.model import Finding, Tolerances
from pefbench.analysis.checks.rendering import junit, markdown, render

__all__ = ["Finding", "Tolerances", "check", "junit", "markdown", "render"]
