"""Excel workbooks (.xlsx): a table on a sheet, read as the CSV that Excel would save.

The format is ISO/IEC 29500, a zip of XML. Formulas are never computed: the value is the one that was saved beside each.
"""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, SourceError
from pefbench.sources.limits import Unpacked
from pefbench.sources.listing import listing
from pefbench.sources.reader import BytesReader
from pefbench.sources.tables import records_as_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.sources.rows import BadRows, Rows

OLD = b"\xd0\xcf\x11\xe0"
"""The beginning of workbooks from before 2007 and of those with a password."""
MOST = 1e15
"""Up to this size, Excel keeps all digits of a whole number."""
CELL = 8
"""Memory of an empty cell in bytes: a file may use only the last of a row's 16,384 cells."""


def read_excel(data: bytes, file: str, bad: BadRows, *, header: bool = True) -> Rows:
    """Read one row per row of a sheet under its header; every value is a str, as in CSV.

    file: the file's name, then ``#`` and the sheet, "" for the only non-empty one. Hidden sheets are not read. Rows
    without a cell are skipped; the line is the row's number. Raises SourceError if openpyxl is missing or the sheet
    does not exist; DataError if the file is not a workbook or unpacks to too much.
    """
    name, _, sheet = file.rpartition("#")
    if find_spec("openpyxl") is None:
        raise SourceError(
            f"{name}: Excel's files need the package openpyxl: pip install 'pefbench[excel]'; or save it as CSV"
        )
    if data.startswith(OLD):
        raise DataError(
            f"{name}: an Excel file from before 2007 or with a password; save it as .xlsx or as CSV (UTF-8)"
        )
    tables = _tables(data, name)
    if sheet and sheet not in tables:
        raise SourceError(f"{name}: has no sheet {sheet!r}; it has {listing(list(tables))}")
    filled = [each for each, records in tables.items() if records]
    if not sheet and len(filled) > 1:
        raise SourceError(f"{name}: has {len(filled)} sheets with cells; name one as {name}#SHEET: {listing(filled)}")
    chosen = sheet or next(iter(filled), "")
    return records_as_rows(iter(tables.get(chosen, ())), name, bad, header=header)


def _tables(data: bytes, name: str) -> dict[str, list[tuple[int, list[str]]]]:
    """The visible sheets: for each row that has cells, its number and its values."""
    from openpyxl import load_workbook

    limit = Unpacked(name, len(data))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():  # zipfile reads at most a member's declared size
                limit.add(member.file_size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            return {str(sheet.title): list(_records(sheet, limit)) for sheet in shown}
    except DataError:
        raise
    except Exception as error:  # its libraries' errors have no common base class
        first = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: not a workbook of Excel: {first[:200]}") from error


def _records(sheet: Any, limit: Unpacked) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()  # the dimensions stated in the file may be wrong
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        limit.add(CELL * len(cells))
        values = [_text(cell) for cell in cells]
        while values and not values[-1]:
            values.pop()
        if values:
            yield number, values


def _text(cell: Any) -> str:
    """A cell as in Excel's CSV, but with all digits of numbers and with dates in ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < MOST:
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, dt.datetime | dt.date | dt.time) else str(cell)


READER = BytesReader(
    read_excel, suffixes=(".xlsx", ".xlsm"), has_splits=True, without_header=partial(read_excel, header=False)
)
