from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from packaging.version import Version

from pefbench.errors import SourceError
from pefbench.paths import cache_folder
from pefbench.sources.transport.address import FileAddress, HubAddress, WheelAddress, parse_address
from tests.sources.refusals import refusal


def test_the_three_kinds() -> None:
    assert parse_address("hf:google-bert/bert-base-cased") == HubAddress("google-bert/bert-base-cased")
    assert parse_address("file:a/b.txt") == FileAddress(Path("a/b.txt"))
    wheel = parse_address("wheel:Some_Data==1.0!some/data.txt")
    assert wheel == WheelAddress("some-data", Version("1.0"), PurePosixPath("some/data.txt"))


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_address("file:~/x.csv") == FileAddress(tmp_path / "x.csv")


def test_what_was_probably_meant_is_suggested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert "did you mean 'file:x.csv'?" in refusal(SourceError, parse_address, "x.csv")
    assert "did you mean 'hf:owner/name'?" in refusal(SourceError, parse_address, "owner/name")
    assert "did you mean" not in refusal(SourceError, parse_address, "csv:x.csv")


@pytest.mark.parametrize("source", ["", "ner.txt", "s3:bucket", "hf", "hf:", "file: ", "wheel:", "HF:owner/name"])
def test_what_is_not_a_source_is_told_how_to_write_one(source: str) -> None:
    assert "wheel:NAME==VERSION!path/inside" in refusal(SourceError, parse_address, source)


@pytest.mark.parametrize(
    "source",
    ["wheel:a", "wheel:a==1", "wheel:a==1!", "wheel:a>=1!x", "wheel:a!x", "wheel:-r x==1!x", "wheel:a[b]==1!x"],
)
def test_a_wheel_needs_name_version_and_path(source: str) -> None:
    assert "wheel:NAME==VERSION!path/inside" in refusal(SourceError, parse_address, source)


@pytest.mark.parametrize("version", ["5.2.*", "1.0,<2", "latest", "1.0 --index-url=x"])
def test_only_an_exact_version(version: str) -> None:
    assert "not an exact version" in refusal(SourceError, parse_address, f"wheel:django=={version}!x")


@pytest.mark.parametrize("inside", ["/etc/passwd", "../x", "a/../../x"])
def test_a_path_stays_inside_the_wheel(inside: str) -> None:
    assert "inside the wheel" in refusal(SourceError, parse_address, f"wheel:a==1!{inside}")


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PEFBENCH_CACHE", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "pefbench"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "pefbench"
    monkeypatch.setenv("PEFBENCH_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"
