"""Each row in a folder is read once, whether files grow, are replaced or end in the middle of a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pefbench.apps.monitor.folder import CHUNK, Folder
from pefbench.apps.monitor.items import Item, Skipped
from pefbench.errors import SourceError
from tests.apps.monitor.test_feeds import ATOM


class Reader:
    """Reads a folder and remembers how far."""

    def __init__(self, path: Path) -> None:
        self.folder, self.progress = Folder(path, 1000), dict[str, tuple[str, int]]()
        self.places: list[str] = []

    def texts(self) -> list[str]:
        found = []
        for part in self.folder.news(self.progress):
            self.progress[part.file] = (part.version, part.position)
            self.places += [each.where for each in part.entries if isinstance(each, Skipped)]
            found += [each.text if isinstance(each, Item) else each.reason for each in part.entries]
        return found


def lines(*texts: str) -> str:
    return "".join(json.dumps({"text": text, "time": "2026-11-02T10:00:00Z"}) + "\n" for text in texts)


def test_a_file_is_read_as_it_grows(tmp_path: Path) -> None:
    reader, file = Reader(tmp_path), tmp_path / "news.jsonl"
    assert reader.texts() == []
    whole = lines("a", "b", "c")
    for end, expected in ((10, []), (len(whole) - 20, ["a", "b"]), (len(whole) - 20, []), (len(whole), ["c"])):
        file.write_text(whole[:end], encoding="utf8")
        assert reader.texts() == expected


def test_a_last_line_without_an_end_is_read(tmp_path: Path) -> None:
    reader, file = Reader(tmp_path), tmp_path / "news.jsonl"
    file.write_text(lines("a", "b").rstrip(), encoding="utf8")
    assert reader.texts() == ["a", "b"]
    file.write_text(lines("a", "b", "c"), encoding="utf8")
    assert reader.texts() == ["c"]


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    reader, file = Reader(tmp_path), tmp_path / "news.jsonl"
    file.write_text(lines("a", "b"), encoding="utf8")
    reader.texts()
    file.write_text(lines("x", "b", "c", "d"), encoding="utf8")
    assert reader.texts() == ["x", "b", "c", "d"]
    file.write_text(lines("x"), encoding="utf8")
    assert reader.texts() == ["x"]


def test_a_restart_goes_on(tmp_path: Path) -> None:
    first, file = Reader(tmp_path), tmp_path / "deep" / "news.jsonl"
    file.parent.mkdir()
    file.write_text(lines("a"), encoding="utf8")
    assert first.texts() == ["a"]
    second = Reader(tmp_path)
    second.progress = first.progress
    assert second.texts() == []
    file.write_text(lines("a", "b"), encoding="utf8")
    assert second.texts() == ["b"]


def test_what_is_skipped_is_named_by_its_line(tmp_path: Path) -> None:
    reader, file = Reader(tmp_path), tmp_path / "news.jsonl"
    file.write_text(f"{lines('a')}\nnonsense\n{lines('b')}", encoding="utf8")
    reader.texts()
    assert reader.places == ["news.jsonl:3"]
    for whole in (reader, Reader(tmp_path)):  # the second one was started anew
        whole.progress = dict(reader.progress)
        with file.open("a", encoding="utf8") as stream:
            stream.write("{}\n")
        whole.texts()
    assert reader.places == ["news.jsonl:3", "news.jsonl:5"]
    assert whole.places == ["news.jsonl:6"]


def test_lines_are_counted_across_parts(tmp_path: Path) -> None:
    reader, file = Reader(tmp_path), tmp_path / "news.jsonl"
    many = lines(*["a" * 1000] * 600)
    file.write_text(f"{many}{{}}\n{many}[]", encoding="utf8")
    assert len(many) > 2 * CHUNK
    reader.texts()
    assert reader.places == ["news.jsonl:601", "news.jsonl:1202"]


def test_feeds_are_read_where_they_change(tmp_path: Path) -> None:
    reader, file = Reader(tmp_path), tmp_path / "news.atom"
    file.write_bytes(ATOM)
    assert reader.texts() == ["A & B fall"]
    assert reader.texts() == []
    file.write_bytes(ATOM.replace(b"A &amp; B fall", b"C rises"))
    assert reader.texts() == ["C rises"]


def test_a_line_beyond_all_measure_does_not_stop_the_others(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    (tmp_path / "news.jsonl").write_text(f"{'x' * (2 * CHUNK + 5)}\n{lines('a')}", encoding="utf8")
    assert reader.texts() == ["unreadable"] * 3 + ["a"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    (tmp_path / "notes.txt").write_text("not read", encoding="utf8")
    (tmp_path / ".hidden.jsonl").write_text(lines("a"), encoding="utf8")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    assert reader.texts() == []
    with pytest.raises(SourceError, match="is not a folder"):
        Folder(tmp_path / "nowhere", 1000)


def test_a_file_that_may_not_be_read_is_one_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(tmp_path)
    (tmp_path / "news.jsonl").write_text(lines("a"), encoding="utf8")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        assert reader.texts() == ["file: Permission denied"]
    assert reader.texts() == ["a"]
