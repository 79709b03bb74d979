"""Conversations survive a restart, and stay handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from pefbench.apps.assistant.conversations import Conversations
from pefbench.apps.assistant.generating import condensed, grounded
from pefbench.errors import DataError, OutputError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_conversation_that_was_handed_over_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "conversations.sqlite"
    first = Conversations(file)
    assert not first.is_handed_over("a")
    first.hand_over("b")
    first.hand_over("b")
    first.close()
    again = Conversations(file)
    assert [again.is_handed_over(name) for name in "ab"] == [False, True]
    again.close()


def test_a_file_that_is_none_of_conversations_is_named(tmp_path: Path) -> None:
    file = tmp_path / "conversations.sqlite"
    file.write_text("a text, and no database of anything at all", encoding="utf8")
    with pytest.raises(DataError, match=r"conversations.sqlite: is not a database of conversations"):
        Conversations(file)
    with pytest.raises(OutputError, match=r"cannot be read and written"):
        Conversations(file / "below")


def test_a_hand_over_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    found = Conversations(tmp_path / "conversations.sqlite")
    found._database.execute("PRAGMA query_only = 1")  # as a full disk
    with pytest.raises(OutputError, match="cannot be read and written"):
        found.hand_over("a")
    found._database.execute("PRAGMA query_only = 0")
    assert not found.is_handed_over("a")
    found.close()


def test_a_generated_answer_says_nothing_of_its_own() -> None:
    retrieved = "We open at 9 on Mondays, and close at 18."
    assert grounded("On Mondays we open at 9.", retrieved)
    assert not grounded("On Mondays we open at 8.", retrieved)
    assert not grounded("On Sundays we open at 9.", retrieved)


@pytest.mark.parametrize(
    ("text", "finish", "kept"),
    [
        ("At 9 on Mondays. ", "stop", "At 9 on Mondays."),
        ("At 8 on Mondays.", "stop", None),
        ("We open at 9 on", "length", None),  # cut at its greatest length
        ("  ", "stop", None),
    ],
)
def test_a_generated_answer_is_whole_and_of_what_was_retrieved(text: str, finish: str, kept: str | None) -> None:
    class Says:
        def predict(self, _inputs: list[str]) -> list[dict[str, Any]]:
            return [{"text": text, "finish_reason": finish}]

    assert condensed(cast("Any", Says()), "We open at 9 on Mondays, and close at 18.") == kept
