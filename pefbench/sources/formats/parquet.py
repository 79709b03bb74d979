"""Parquet; labels that Hugging Face `datasets` stored as numbers are read as their names."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.arrow import features_in, table_rows
from pefbench.sources.limits import Unpacked
from pefbench.sources.reader import BytesReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.rows import BadRows, Row, Rows

BATCH = 4096
"""How many rows are held in memory at a time."""


def read_parquet(data: bytes, file: str, _: BadRows) -> Rows:
    """Read a Parquet file; labels are named if `datasets` wrote it. Raises DataError."""
    import pyarrow as pa
    from pyarrow import parquet

    limit = Unpacked(file, len(data))
    try:
        stored = parquet.ParquetFile(io.BytesIO(data))
        schema = stored.schema_arrow
        batches = []
        for batch in stored.iter_batches():
            limit.add(max(batch.nbytes, batch.num_rows))
            batches.append(batch)
        table = pa.Table.from_batches(batches, schema)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:  # its libraries' errors
        raise DataError(f"{file}: not Parquet: {' '.join(str(error).split())[:200]}") from None
    return table_rows(table, features_in(schema.metadata, file), file)


def stream_parquet(path: Path, file: str, _: BadRows) -> Iterator[Row]:
    """Yield the rows of `read_parquet` from the file. Raises DataError."""
    import pyarrow as pa
    from pyarrow import parquet

    first, limit = 0, Unpacked(file, path.stat().st_size)
    try:
        with parquet.ParquetFile(path) as stored:
            features = features_in(stored.schema_arrow.metadata, file)
            for batch in stored.iter_batches(BATCH):
                limit.add(max(batch.nbytes, batch.num_rows))
                found = table_rows(pa.Table.from_batches([batch]), features, file).rows
                yield from (replace(row, line=row.line + first) for row in found)
                first += batch.num_rows
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:  # its libraries' errors
        raise DataError(f"{file}: not Parquet: {' '.join(str(error).split())[:200]}") from None


READER = BytesReader(read_parquet, suffixes=(".parquet",), stream=stream_parquet)
