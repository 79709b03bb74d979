"""Each alert arrives exactly once, wherever the process is stopped."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.apps.monitor import alert
from pefbench.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = {"key": "0123", "company": "Ünder"}


def test_a_file_has_each_alert_once_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "alerts.jsonl"
    channel = alert.File(file)
    for _ in range(2):
        channel.send(MESSAGE)
    with file.open("a", encoding="utf8") as cut:
        cut.write('{"key": "45')  # a crash
    for key in ("4567", "0123", "4567"):
        channel.send({**MESSAGE, "key": key})
    assert [json.loads(line)["key"] for line in file.read_text(encoding="utf8").splitlines()] == ["0123", "4567"]
    with pytest.raises(OutputError, match="cannot be written"):
        alert.File(file / "below").send(MESSAGE)


def test_standard_output_has_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    alert.Output().send(MESSAGE)
    assert json.loads(capfd.readouterr().out) == MESSAGE


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any], list[int]]]:
    got: list[Any] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers["Idempotency-Key"], self.headers["Authorization"], json.loads(body)))
            self.send_response(statuses.pop(0))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            got.append("followed")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/", got, statuses
        listening.shutdown()
        thread.join()


def test_a_webhook_gets_the_key(server: tuple[str, list[Any], list[int]]) -> None:
    address, got, statuses = server
    channel = alert.Webhook(address, {"Authorization": "Bearer x"})
    statuses += [503, 204]
    with pytest.raises(OutputError, match="answered 503"):
        channel.send(MESSAGE)
    channel.send(MESSAGE)
    assert got == [("0123", "Bearer x", MESSAGE)] * 2


def test_a_redirect_is_not_followed(server: tuple[str, list[Any], list[int]]) -> None:
    """As a GET without the alert it would count as sent, and its headers would go to another host."""
    address, got, statuses = server
    statuses += [302, 307]
    for status in (302, 307):
        with pytest.raises(OutputError, match=f"webhook: answered {status}"):
            alert.Webhook(address, {}).send(MESSAGE)
    assert len(got) == 2


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"])
def test_what_speaks_no_http_is_said(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as one:
                one.recv(2**16)
                one.sendall(said)

        thread = Thread(target=answer)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(OutputError, match="webhook: "):
            alert.Webhook(address, {}).send(MESSAGE)
        thread.join()


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(OutputError, match="webhook: InvalidURL: nonnumeric port: 'x'"):
        alert.Webhook("http://127.0.0.1:x/", {}).send(MESSAGE)


def test_a_webhook_that_is_not_there_is_said() -> None:
    with pytest.raises(OutputError, match="webhook: "):
        alert.Webhook("http://127.0.0.1:9/", {}).send(MESSAGE)
