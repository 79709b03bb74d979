"""Results as tables.

``groups`` defines which trials may be ranked together. ``rows`` turns trials into rows, and ``replicates`` combines
seeds. ``marks`` marks the best and the undecided, and ``formats`` typesets rows. ``listing``, ``pivot``, ``brief`` and
``summary`` are the views. Nothing heavy is imported, so that `table` starts fast.
"""

from pefbench.analysis.tables.brief import brief
from pefbench.analysis.tables.formats import FORMATS
from pefbench.analysis.tables.listing import table
from pefbench.analysis.tables.pivot import pivot
from pefbench.analysis.tables.summary import summary
from pefbench.analysis.tables.wording import interval, readable_seconds, short_model

__all__ = ["FORMATS", "brief", "interval", "pivot", "readable_seconds", "short_model", "summary", "table"]
