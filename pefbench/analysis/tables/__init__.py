"""Results as tables.

``groups`` says what may be ranked together, ``rows`` makes each trial a row and ``settings`` takes seeds together,
``marks`` shows the best and the undecided, ``formats`` sets rows of text; ``listing``, ``pivot``, ``brief`` and
``summary`` are what is shown. Nothing heavy is imported, so that `table` starts at once.
"""

from pefbench.analysis.tables.brief import brief
from pefbench.analysis.tables.formats import FORMATS
from pefbench.analysis.tables.listing import table
from pefbench.analysis.tables.pivot import pivot
from pefbench.analysis.tables.summary import summary
from pefbench.analysis.tables.wording import interval, readable_seconds, short_model

__all__ = ["FORMATS", "brief", "interval", "pivot", "readable_seconds", "short_model", "summary", "table"]
