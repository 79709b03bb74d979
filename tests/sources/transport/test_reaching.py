"""An unreachable hub is recognised at once, and a flaky network is tried again."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import datasets
import pytest
from huggingface_hub import constants

from pefbench.errors import SourceError
from pefbench.sources import locate, read_rows
from pefbench.sources.transport import reaching
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(reaching, "SECONDS", 0.3)
    monkeypatch.setattr(reaching, "PAUSES", (0.01, 0.01))


@pytest.fixture
def flaky(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub that hangs up on the first requests, as many as the parameter says, and says 404 to the others."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            if len(asked) > request.param:
                self.send_response(404)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{serving.server_port}")
        yield asked
        serving.shutdown()


def set_offline() -> tuple[bool, bool]:
    return constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE


@pytest.mark.parametrize("flaky", [0, 1, 2], indirect=True)
def test_a_flaky_network_is_asked_again(flaky: list[str]) -> None:
    assert reaching.why_unreachable() is None
    count = len(flaky)
    with reaching.offline_when_unreachable():
        assert set_offline() == (False, False)
    assert len(flaky) == count  # remembered


@pytest.mark.parametrize("flaky", [3], indirect=True)
def test_three_requests_are_enough(flaky: list[str]) -> None:
    assert "disconnected" in (reaching.why_unreachable() or "")
    assert len(flaky) == 3
    with reaching.offline_when_unreachable():
        assert set_offline() == (True, True)
    assert set_offline() == (False, False)


@pytest.mark.parametrize("flaky", [3], indirect=True)
def test_the_network_comes_back(flaky: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert reaching.why_unreachable()
    monkeypatch.setattr(reaching, "REMEMBERED", reaching.REMEMBERED / 1000)
    assert reaching.why_unreachable() is None
    assert len(flaky) == 4


def test_without_a_network_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # it takes connections and never says a word
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        started = time.perf_counter()
        data = refusal(SourceError, read_rows, "hf:owner/name", "train")
        model = refusal(SourceError, locate, "hf:owner/name")
    assert time.perf_counter() - started < 10  # the library alone would take half a minute for each request
    for message in (data, model):
        assert "the hub cannot be reached (no answer within 0.3 s), and the cache has no copy" in message
        assert "file:FOLDER" in message


def test_an_address_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://[")
    assert reaching.why_unreachable()


def test_offline_mode_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = refusal(SourceError, locate, "hf:owner/name")
    assert "the hub cannot be reached (HF_HUB_OFFLINE is set), and the cache has no copy" in message
