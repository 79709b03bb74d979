"""Knowledge: tables and Markdown as people write them; unreadable parts are counted and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.apps.assistant import knowledge
from pefbench.errors import DataError, SourceError

if TYPE_CHECKING:
    from pathlib import Path


def test_tables_and_markdown_are_read(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text('question,answer,intent\nWhere?,"Here, there",place\nWhen?,,time\n', "utf8")
    (tmp_path / "more.jsonl").write_text('{"text": "Who?", "reply": "Me."}\n{"text": "Why?", "reply": 3}\n', "utf8")
    (tmp_path / "shop.md").write_text(
        "# Opening\n\nWe open at nine.\n\n- daily\n\n## Empty\n\n## Returns\nBring it.", "utf8"
    )
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    entries, skipped = knowledge.read(tmp_path)
    assert [(each.question, each.answer, each.intent, each.source) for each in entries] == [
        ("Where?", "Here, there", "place", "faq.csv:2"),
        ("Who?", "Me.", "more", "more.jsonl:1"),
        ("Opening", "We open at nine.\n\n- daily", "shop", "shop.md:1"),
        ("Returns", "Bring it.", "shop", "shop.md:9"),
    ]
    assert [each.partition(" ")[0] for each in skipped] == ["faq.csv:3:", "more.jsonl:2:", "shop.md:7:"]


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_a_comment_in_a_block_of_code_is_no_question(tmp_path: Path, fence: str) -> None:
    block = f"{fence}sh\n# first\npip install shop\n``\n{fence}"
    (tmp_path / "a.md").write_text(f"# How?\n{block}\n# Why?\nSo.\n# Last\n{fence}\n# open", "utf8")
    entries, skipped = knowledge.read(tmp_path)
    assert [(each.question, each.answer) for each in entries] == [
        ("How?", block), ("Why?", "So."), ("Last", f"{fence}\n# open"),
    ]  # fmt: skip
    assert not skipped


def test_half_of_a_surrogate_pair_is_one_row_less(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"question": "x\\ud800", "answer": "a"}\n{"question": "y", "answer": "b"}\n', "utf8"
    )
    entries, skipped = knowledge.read(tmp_path)
    assert [each.question for each in entries] == ["y"]
    assert skipped == ["a.jsonl:1: is not valid text: it contains half of a surrogate pair"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda folder: folder.rmdir(), SourceError, "no such folder of knowledge"),
        (lambda _: None, DataError, "holds no question with an answer"),
        (lambda folder: (folder / "a.md").write_bytes(b"# \xff\n\nx"), SourceError, "cannot be read as UTF-8 text"),
    ],
)
def test_what_holds_nothing_is_refused(tmp_path: Path, make, error: type[Exception], message: str) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    folder = tmp_path / "knowledge"
    folder.mkdir()
    make(folder)
    with pytest.raises(error, match=message):
        knowledge.read(folder)


def test_the_stamp_changes_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\nb", "utf8")
    before = knowledge.stamp(tmp_path)
    (tmp_path / "a.md").write_text("# A\nbc", "utf8")
    assert knowledge.stamp(tmp_path) != before
