"""Files that leave this machine contain none of its paths."""

from __future__ import annotations

from typing import Any

import pytest

from pefbench.trial.machine import without_folders


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("file:/home/ann/base", "file:/home/ann/base/config.json", "file:base/config.json"),
        ("file:/home/ann/base/", "`file:/home/ann/base/`", "`file:base/`"),
        ("warm-started:file:/home/ann/base", "warm-started:file:/home/ann/base", "warm-started:file:base"),
        ("file:/home/ann/a.csv + file:/home/ann/b", "/home/ann/a.csv:3: bad; /home/ann/b", "a.csv:3: bad; b"),
        ("file:/a + file:/a/b.csv", "file:/a + file:/a/b.csv", "file:a + file:b.csv"),
        ("file:/data", "wheel:x==1!x/data/a.txt, /data, /database", "wheel:x==1!x/data/a.txt, data, /database"),
        ("file:corpora/a.csv", "file:corpora/a.csv", "file:corpora/a.csv"),
        ("file:/", "file:/ and /", "file:/ and /"),
        ("hf:ann/base", "hf:ann/base", "hf:ann/base"),
    ],
)
def test_absolute_paths_of_a_recipe_become_names(source: str, text: str, expected: str) -> None:
    recipe: dict[str, Any] = {"data": {"source": source, "train": None}, "train": {"seed": 0}}
    assert without_folders(text, recipe) == expected


def test_a_path_in_the_home_folder_is_known_in_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    recipe: dict[str, Any] = {"model": {"name": "file:~/models/base"}}
    assert without_folders("file:~/models/base, /home/ann/models/base", recipe) == "file:base, base"
