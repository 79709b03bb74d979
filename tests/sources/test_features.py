from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.sources import EncodingError, features

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", features.BESIDE)
def test_data_encoding_is_no_advice_for_a_description_of_columns(tmp_path: Path, name: str) -> None:
    """`data.encoding` is that of the data; these files are always UTF-8."""
    (tmp_path / name).write_bytes('{"features": {"caf\xe9": {"_type": "ClassLabel"}}}'.encode("latin-1"))
    with pytest.raises(DataError, match=rf"^{name}:1: not UTF-8 \(byte 0xe9\); save the file as UTF-8$") as refused:
        features.beside(tmp_path)
    assert not isinstance(refused.value, EncodingError)
