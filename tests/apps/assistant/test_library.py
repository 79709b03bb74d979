"""The knowledge is read again when its folder changes, and an unreadable file stops nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from pefbench.apps.assistant import knowledge, library
from pefbench.apps.assistant.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(texts), 2), np.float32)


def test_each_skipped_row_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "POLL", 0.01)
    said = list[tuple[str, Any]]()
    file = tmp_path / "shop.md"
    file.write_text("# When?\n\nAt nine.\n\n# Where?\n", encoding="utf8")
    found = Library(
        tmp_path, embed, embed, cast("Any", lambda event, *_, **fields: said.append((event, fields.get("why"))))
    )
    file.write_text("# When?\n\nAt nine.\n\n# Where?\n\n# Who?\n", encoding="utf8")
    wait(lambda: len(found.shelf.skipped) == 2)
    found.close()
    assert [why for event, why in said if event == "skipped"] == [
        "shop.md:5: 'Where?' has no answer below it",
        "shop.md:7: 'Who?' has no answer below it",
    ]


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    "gone", [FileNotFoundError(2, "No such file or directory"), PermissionError(13, "denied"), ValueError("no words")]
)
def test_a_folder_that_cannot_be_read_once_is_read_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    def refused(_folder: Path) -> Any:
        raise gone

    monkeypatch.setattr(library, "POLL", 0.01)
    file, said = tmp_path / "shop.csv", list[str]()
    file.write_text("question,answer\nwhen?,at nine\n", encoding="utf8")
    found = Library(tmp_path, embed, embed, cast("Any", lambda event, *_, **__: said.append(event)))
    with monkeypatch.context() as patch:
        patch.setattr(knowledge, "read", refused)
        file.write_text("question,answer\nwhen?,at nine\nwhere?,here\n", encoding="utf8")
        wait(lambda: "knowledge refused" in said)
    assert len(found.shelf.index.entries) == 1
    assert found.refused == str(gone)
    file.write_text("question,answer\nwhen?,at nine\nwhere?,here\nwho?,we\n", encoding="utf8")
    wait(lambda: len(found.shelf.index.entries) == 3)
    wait(lambda: found.refused is None)
    found.close()
