"""`pefbench serve`: what it refuses before it loads anything."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from pefbench.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["serve", *map(str, arguments)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_cannot_be_served(classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing to serve" in refused(capsys)
    assert "no such trial" in refused(capsys, tmp_path / "nothing")
    assert "no such folder" in refused(capsys, "--models", tmp_path / "nothing")
    assert "--keep 0: should be 1 or more" in refused(capsys, classifier, "--keep", 0)
    for port in ("70000", "-1", "8.5", "http"):
        said = f"--port: should be a whole number from 0 to 65535, got '{port}'"
        assert said in refused(capsys, classifier, f"--port={port}")
    assert "TRIAL: is empty; name a file, a folder" in refused(capsys, "")
    assert "cannot listen at 192.0.2.1, port 8000: " in refused(capsys, classifier, "--host", "192.0.2.1")
    assert "give one another: NAME=TRIAL" in refused(capsys, classifier, classifier)
    assert "is not a valid model name" in refused(capsys, f"a/b={classifier}")
    keys = tmp_path / "keys"
    assert "cannot be read" in refused(capsys, classifier, "--keys", keys)
    keys.write_text("\n", encoding="utf8")
    assert "holds no API key" in refused(capsys, classifier, "--keys", keys)
    keys.write_text("short\n", encoding="utf8")
    assert "fewer than 16 characters" in refused(capsys, classifier, "--keys", keys)


def test_a_port_in_use(classifier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused(capsys, classifier, "--port", port)
