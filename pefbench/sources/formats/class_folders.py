"""A folder of texts for each class, as in IMDB, 20 Newsgroups and BBC News: ``train/pos/0_9.txt`` is positive.

The reviews are from Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis", ACL. Each file is a text, and its
folder's name is the label.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources.reader import LayoutReader
from pefbench.sources.rows import Row, Rows
from pefbench.sources.texts import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label")
SUFFIXES = {".txt", ".text", ""}
"""Suffixes of texts; 20 Newsgroups' files have none."""
UNLABELLED = {"unsup", "unlabeled", "unlabelled"}
"""Names of folders with unlabelled texts, such as IMDB's."""
SPLITS = {"train", "training", "dev", "development", "valid", "validation", "val", "test", "testing", "eval"}
"""Names of splits, which are neither classes nor texts."""


def fits(folder: Path) -> bool:
    """Whether a folder has at least two folders of texts, none of which is a split."""
    classes = _classes(folder)
    if len(classes) < 2 or SPLITS & {name.lower() for name in classes}:
        return False
    return not any(file.stem.lower() in SPLITS for texts in classes.values() for file in texts)


def read_class_folders(folder: Path, name: str, bad: BadRows, encoding: str) -> Rows:
    """Read one row per file, classes and files in order of their names.

    A file that is empty or cannot be decoded is a bad row. Raises SourceError if there are not at least two classes.
    """
    classes = _classes(folder)
    if len(classes) < 2:
        raise SourceError(
            f"{name or folder.name}: should hold a folder of texts (*.txt) for each of two or more classes"
        )
    rows, notes = list[Row](), [f"classes by folder: {', '.join(each[:40] for each in classes)}"]
    if left := sorted(each.name for each in folder.iterdir() if each.is_dir() and each.name.lower() in UNLABELLED):
        notes.append(f"not read, as its texts have no label: {left[0]}")
    for label, texts in classes.items():
        for file in texts:
            shown = str(PurePosixPath(name, label, file.name))
            try:
                rows.append(Row({"text": _text(file, shown, encoding), "label": label}, shown, 1))
            except DataError as error:
                bad(error)
    return Rows(COLUMNS, rows, notes=tuple(notes))


def _text(file: Path, shown: str, encoding: str) -> str:
    if text := read_text(file, shown, encoding).strip():
        return text
    raise DataError(f"{shown}:1: an empty text")


def _classes(folder: Path) -> dict[str, list[Path]]:
    """The visible folders that contain only texts, each with its files in order."""
    found = {}
    for inside in sorted(folder.iterdir()):
        if not inside.is_dir() or inside.name.startswith(".") or inside.name.lower() in UNLABELLED:
            continue
        files = [file for file in sorted(inside.iterdir()) if not file.name.startswith(".")]
        if files and all(file.is_file() and file.suffix.lower() in SUFFIXES for file in files):
            found[inside.name] = files
    return found


READER = LayoutReader(read_class_folders, fits)
