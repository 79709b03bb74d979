"""Has anything got worse than the baseline: metrics, training time or throughput, peak memory.

``matching`` says which trials are held against each other, ``quality`` and ``costs`` compare them, ``predictions`` has
the paired test, ``together`` looks at losses that are too small alone, ``findings`` puts all together and ``rendering``
shows it. Nothing heavy is imported, unless predictions differ.
"""

from pefbench.analysis.checks.findings import check
from pefbench.analysis.checks.model import Finding, Tolerances
from pefbench.analysis.checks.rendering import junit, markdown, render

__all__ = ["Finding", "Tolerances", "check", "junit", "markdown", "render"]
