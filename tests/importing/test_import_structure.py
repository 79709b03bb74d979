"""transformers scans its folder of models once, and finds the same as without the patch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from transformers.utils import import_utils

from pefbench.importing import import_structure

if TYPE_CHECKING:
    import pytest

BERT = Path(import_utils.__file__).parents[1] / "models" / "bert"


def test_a_folder_is_read_once_under_all_its_names_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    stock, read = import_utils.create_import_structure_from_path, []
    plain = import_utils.define_import_structure.__wrapped__
    found = plain(BERT, prefix="bert"), plain(str(BERT / "__init__.py"))

    def counted(path: str) -> object:
        read.append(path)
        return stock(path)

    monkeypatch.setattr(import_utils, import_structure.NAME, counted)
    with import_structure.read_once(), import_structure.read_once():
        for _ in range(2):  # what is made of it changes nothing of what is remembered
            assert (plain(BERT, prefix="bert"), plain(str(BERT / "__init__.py"))) == found
    assert read.count(str(BERT)) == 1
    assert import_utils.create_import_structure_from_path is counted


def test_a_version_without_the_function_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(import_utils, import_structure.NAME)
    with import_structure.read_once():
        assert not hasattr(import_utils, import_structure.NAME)
