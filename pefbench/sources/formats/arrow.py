"""Arrow files (.arrow, .feather), a stream or a file of record batches, as `datasets` and pandas write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.arrow import features_in, table_rows
from pefbench.sources.limits import Unpacked
from pefbench.sources.reader import BytesReader

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Rows

FILE = b"ARROW1"
"""The beginning of a file; a stream begins differently."""


def read_arrow(data: bytes, file: str, _: BadRows) -> Rows:
    """Read one row per row; labels are named when `datasets` wrote the file. Raises DataError."""
    import pyarrow as pa
    from pyarrow import ipc

    limit = Unpacked(file, len(data))
    try:
        stored = (ipc.open_file if data.startswith(FILE) else ipc.open_stream)(pa.py_buffer(data))
        numbers = range(stored.num_record_batches) if data.startswith(FILE) else None
        batches = []
        for batch in stored if numbers is None else map(stored.get_batch, numbers):
            batch.validate(full=True)  # before any access, which would follow damaged offsets
            limit.add(max(batch.nbytes, batch.num_rows))
            batches.append(batch)
        table = pa.Table.from_batches(batches, stored.schema)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, EOFError) as error:
        raise DataError(f"{file}: not Arrow: {' '.join(str(error).split())[:200]}") from None
    return table_rows(table, features_in(stored.schema.metadata, file), file)


READER = BytesReader(read_arrow, suffixes=(".arrow", ".feather"))
