"""Parquet; the labels that Hugging Face `datasets` wrote as numbers come as their names."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.arrow import table_rows
from pefbench.sources.reader import BytesReader

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Rows


def read_parquet(data: bytes, file: str, _: BadRows) -> Rows:
    """Read a Parquet file; labels are named when `datasets` wrote it. Raises DataError."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: not Parquet: {' '.join(str(error).split())[:200]}") from None
    stored = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    return table_rows(table, stored.get("info", {}).get("features") or {}, file)


READER = BytesReader(read_parquet, suffixes=(".parquet",))
