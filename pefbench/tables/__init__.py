"""Results as tables.

``groups`` says what may be ranked together, ``rows`` makes each trial a row, ``formats`` sets rows of text, and
``listing`` and ``summary`` say what is shown. Nothing heavy is imported, so that `table` starts at once.
"""

from pefbench.tables.formats import FORMATS
from pefbench.tables.listing import table
from pefbench.tables.summary import summary
from pefbench.tables.wording import interval, readable_seconds, short_model

__all__ = ["FORMATS", "interval", "readable_seconds", "short_model", "summary", "table"]
