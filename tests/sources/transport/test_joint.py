"""Several sources as one."""

from __future__ import annotations

import pytest

from pefbench.errors import SourceError
from pefbench.sources import members

JOINT = "wheel:a==1!x/first + file:~/second/ + file:third.jsonl"


def test_one_source_is_itself() -> None:
    assert members("file:a b", "part", "0" * 64) == [("file:a b", "part")]


def test_parts_are_the_last_names_of_paths() -> None:
    assert members(JOINT, "first") == [("wheel:a==1!x/first", None)]
    assert members(JOINT, "third.jsonl + second") == [("file:third.jsonl", None), ("file:~/second/", None)]
    assert [source for source, _ in members(JOINT, None)] == JOINT.split(" + ")


def test_a_member_may_have_parts_of_its_own() -> None:
    source = "hf:owner/first + hf:owner/second"
    assert members(source, "second#main/test + first") == [("hf:owner/second", "main/test"), ("hf:owner/first", None)]
    assert members("file:a/b#c + file:d", "b#c") == [("file:a/b#c", None)]


@pytest.mark.parametrize(
    ("source", "part", "sha256", "why"),
    [
        (JOINT, "fourth", None, "has no part 'fourth'; it has first, second, third.jsonl"),
        ("file:a/x + file:b/x", "x", None, "two of these sources end in the same name"),
        (JOINT, "fourth#train", None, "has no part 'fourth'"),
        (JOINT, "first", "0" * 64, "one sha256 cannot pin several sources"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(source: str, part: str, sha256: str | None, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        members(source, part, sha256)
