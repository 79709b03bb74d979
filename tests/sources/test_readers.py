"""The formats are exactly the modules in formats/ and derived/; there is no other list."""

from __future__ import annotations

import pytest

from pefbench.cli import listing, main
from pefbench.errors import SourceError
from pefbench.paths import PACKAGE
from pefbench.sources import readers
from pefbench.sources.reader import BytesReader, Reader, TextReader
from tests.sources.refusals import refusal


def test_every_module_of_the_two_folders_is_a_format() -> None:
    files = [file for folder in ("formats", "derived") for file in (PACKAGE / "sources" / folder).glob("[!_]*.py")]
    assert readers.names() == sorted(file.stem for file in files)
    for name in readers.names():
        assert isinstance(readers.find(name), Reader)
        assert readers.summary(name).endswith(".")


def test_no_two_formats_have_one_suffix() -> None:
    tables = [reader for name in readers.names() if isinstance(reader := readers.find(name), TextReader | BytesReader)]
    suffixes = [suffix for reader in tables for suffix in reader.suffixes]
    assert sorted(suffixes) == sorted(readers.by_suffix())
    assert readers.by_suffix()[readers.suffix_of("Train.CSV.gz")] == "csv"


def test_an_unknown_format_is_told_the_nearest() -> None:
    assert "did you mean 'parquet'" in refusal(SourceError, readers.find, "parqet")


def test_list_formats_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert "formats" in listing.LISTS
    with pytest.raises(SystemExit, match="0"):
        main.main(["list", "formats"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == readers.names()
