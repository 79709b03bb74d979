"""One row of a table."""

from __future__ import annotations

from typing import Any

# One trial as raw numbers: bytes, seconds, counts. Its keys are the columns of CSV and JSON, in this order.
Row = dict[str, Any]
