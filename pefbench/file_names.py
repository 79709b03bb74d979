"""Recognises the name of a file given instead of a text."""

from __future__ import annotations

import re

SUFFIXES = "csv|tsv|txt|jsonl?|ndjson|parquet|conllu?|bio|xml|xlsx|ya?ml"
FILE_NAME = re.compile(rf"\S+\.({SUFFIXES})(\.gz|\.bz2|\.xz)?", re.IGNORECASE)


def names_a_file(text: str) -> bool:
    """Whether a text without spaces ends like the name of a file with texts."""
    return FILE_NAME.fullmatch(text) is not None
