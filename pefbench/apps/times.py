"""Reads times in the formats of people and feeds."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any


def read_time(value: Any) -> datetime | None:
    """A time, given as such or in ISO 8601 or RFC 5322; without a zone if it has none. None if it is not a time."""
    if isinstance(value, datetime):  # from a Parquet file
        return value
    if not isinstance(value, str):
        return None
    # RFC 5322, section 3.3: -0000 is a time in UTC without information about the local zone.
    plain = re.sub(r" -0000$", " +0000", value.strip())
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(plain)
        except (ValueError, OverflowError):
            continue
    return None
