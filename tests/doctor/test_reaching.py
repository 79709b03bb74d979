"""Whether the hub answers is known within seconds, whatever the network does."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from huggingface_hub import constants

from pefbench.doctor import reaching

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(reaching, "SECONDS", 0.5)


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A hub that answers with a status."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{serving.server_port}")
        yield request.param
        serving.shutdown()


@pytest.mark.parametrize("server", [200, 404], indirect=True)
def test_any_answer_is_one(server: int) -> None:  # noqa: ARG001
    found = reaching.hub()
    assert found["reachable"]
    assert found["error"] is None
    assert 0 < (found["seconds"] or 0) < 0.5


@pytest.mark.parametrize("server", [503], indirect=True)
def test_a_hub_that_is_down(server: int) -> None:  # noqa: ARG001
    assert (reaching.hub()["reachable"], reaching.hub()["error"]) == (False, "it answers with status 503")


def test_a_hub_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        started = time.perf_counter()
        found = reaching.hub()
    assert time.perf_counter() - started < 2
    assert found["reachable"] is False


def test_a_hub_that_says_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(b"nonsense\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        answering = threading.Thread(target=answer, args=(listening,))
        answering.start()
        found = reaching.hub()
        answering.join()
    assert (found["reachable"], found["error"]) == (False, "nonsense")


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def look_up(*_: Any, **__: Any) -> None:
        ended.wait(20)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    started = time.perf_counter()
    found = reaching.hub()
    assert time.perf_counter() - started < 2
    assert found["error"] == "no answer within 0.5 s"
    ended.set()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense", "http://[", "ftp+x://a"])
def test_an_address_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    found = reaching.hub()
    assert found["reachable"] is False
    assert found["error"]


def test_offline_means_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(address: str) -> str:
        raise AssertionError(address)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(reaching, "_ask", ask)
    assert (reaching.hub()["reachable"], reaching.hub()["offline"]) == (None, True)
