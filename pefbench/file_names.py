"""What looks like the name of a file where a text is asked for."""

from __future__ import annotations

import re

SUFFIXES = "csv|tsv|txt|jsonl?|ndjson|parquet|conllu?|bio|xml|xlsx|ya?ml"
FILE_NAME = re.compile(rf"\S+\.({SUFFIXES})(\.gz|\.bz2|\.xz)?", re.IGNORECASE)


def names_a_file(text: str) -> bool:
    """Whether a text, one without a space in it, ends as a file of texts does."""
    return FILE_NAME.fullmatch(text) is not None
