"""Common file types that are not supported, by suffix, with advice for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources.readers import suffix_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ARCHIVE = "an archive, which is not read; unpack it, and name the files in it"
PICKLE = "a pickle can run code when it is loaded, and is never read; write the table by pandas' to_parquet or to_csv"
XML = "XML has no columns and is not read; write its texts and labels as CSV or JSON Lines"
WEBANNO = "#FORMAT=WebAnno TSV"
EXPORT = "export it as CoNLL 2003, or write texts and [start, end, label] as JSON Lines"
BEGINNING = 100
"""How many characters are checked for XML or HTML."""
MARKUP = ("<?xml", "<!doctype", "<html")
"""The beginnings of XML and HTML, in lower case."""
LOOKED_AT = 100
"""How many lines are checked for JSON Lines."""
WHY: Mapping[str, str] = {
    ".xls": "the workbooks of Excel before 2007 are not read; save it as .xlsx or as CSV (UTF-8)",
    ".xlsb": "Excel's binary workbooks are not read; save it as .xlsx or as CSV (UTF-8)",
    ".ods": "OpenDocument's tables are not read; save it as .xlsx or as CSV (UTF-8)",
    ".arff": "Weka's ARFF is not read; save it as CSV (in Weka: Preprocess, Save, CSV data files)",
    ".sav": "SPSS's files are not read; save it as CSV (UTF-8)",
    ".dta": "Stata's files are not read; save it as CSV (UTF-8)",
    ".xml": XML,
    ".xmi": f"UIMA's XMI is not read; {EXPORT}",
    ".tmx": "TMX is not read; write its sentences and their translations as TSV or JSON Lines",
    ".html": "HTML is not read; write its texts and labels as CSV or JSON Lines",
    ".pdf": "PDF is not read; write its texts and labels as CSV or JSON Lines",
    ".docx": "Word's documents are not read; write their texts and labels as CSV or JSON Lines",
    ".sqlite": "a database is not read; export the table as CSV",
    ".db": "a database is not read; export the table as CSV",
    ".h5": "HDF5 is not read; write the table as Parquet or CSV",
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".npy", ".npz", ".pt"), PICKLE),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst"), ARCHIVE),
}


def refuse(file: str) -> None:
    """Raise SourceError for a file with the suffix of an unsupported type."""
    if (why := WHY.get(suffix_of(file))) is not None:
        raise SourceError(f"{file}: {why}")


def refuse_webanno(text: str, file: str) -> None:
    """Raise SourceError for the TSV of INCEpTION and WebAnno, which is not a table."""
    if text.startswith(WEBANNO):
        raise SourceError(f"{file}: WebAnno TSV is not read; {EXPORT}")


def refuse_markup(text: str, file: str) -> None:
    """Raise SourceError for a file without a known suffix that holds XML or HTML."""
    if text[:BEGINNING].lstrip().lower().startswith(MARKUP):
        raise SourceError(f"{file}: {XML}")


def refuse_other_than_json(text: str, file: str) -> None:
    """Raise DataError for a file without a known suffix that should be JSON Lines but has no line of JSON."""
    first = [line.lstrip() for line in text.lstrip().split("\n", LOOKED_AT)[:LOOKED_AT] if line.strip()]
    if first and not any(line.startswith(("{", "[")) for line in first):
        raise DataError(
            f"{file}: not JSON Lines, which this task expects in a file without a known suffix; data.format names "
            "another format, and tables need the suffix .csv or .tsv"
        )
