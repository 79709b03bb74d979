"""Times as people and feeds write them."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any


def read_time(value: Any) -> datetime | None:
    """A time, or one as ISO 8601 or RFC 5322 writes it; without a zone where it has none. None for what is no time."""
    if isinstance(value, datetime):  # of a Parquet file
        return value
    if not isinstance(value, str):
        return None
    # RFC 5322, section 3.3: -0000 is a time in UTC that says nothing of where it was written.
    plain = re.sub(r" -0000$", " +0000", value.strip())
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(plain)
        except (ValueError, OverflowError):
            continue
    return None
