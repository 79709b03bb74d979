"""The HTTP interface and its limits, with a real client and a real server process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import pefbench
from pefbench import paths
from tests.server.test_engine import numbers, without_numbers
from tests.server.variants import variant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "a key of some length"


class Running:
    """A server process, and a client of it."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [paths.INTERPRETER, "-m", "pefbench", "serve", *arguments, "--port", "0", "--threads", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.said: list[str] = []
        assert self.process.stdout is not None
        while not self.said or " at http://" not in self.said[-1]:
            line = self.process.stdout.readline()
            assert line, self.process.stderr and self.process.stderr.read()
            self.said.append(line.strip())
        self.url = self.said[-1].rpartition(" at ")[2]
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def end(self) -> int:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        return status


@pytest.fixture(scope="module")
def server(classifier: Path, tagger: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    models = tmp_path_factory.mktemp("models")
    for name, method in {"ia3": {"name": "ia3"}, "all": {"name": "full"}}.items():
        variant(classifier, models / name, method)
    (models / "broken").mkdir()
    limits = ("--max-inputs", "8", "--max-characters", "1000", "--max-body", "20000", "--queue", "64", "--keep", "2")
    running = Running(f"labels={classifier}", f"tags={tagger}", "--models", str(models), *limits)
    yield running
    assert running.end() == 0


def ask(server: Running, model: str, inputs: Any) -> httpx.Response:
    return server.client.post("/v1/predict", json={"model": model, "inputs": inputs})


def refusal(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    said = str(response.json()["error"]["message"])
    assert said
    assert "\n" not in said
    return said


def test_answers_are_those_of_predict(server: Running, classifier: Path, tagger: Path) -> None:
    texts = ["Anna saw Paris", "Rome", "Chen slept near the river"]
    for name, trial in (("labels", classifier), ("tags", tagger)):
        model = pefbench.load(trial)
        found = ask(server, name, texts).json()
        assert found["model"] == name
        for text, answer in zip(texts, found["answers"], strict=True):
            [expected] = model.predict([text])
            assert without_numbers(answer) == without_numbers(expected)
            assert numbers(answer) == pytest.approx(numbers(expected), abs=1e-6)
    [one] = ask(server, "labels", "Rome").json()["answers"]
    assert one["label"] in {"person", "place"}
    pair = ask(server, "labels", {"text": "Anna", "pair": "Rome"})
    assert pair.status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "the body is not JSON"),
        (b"\xff\xfe", 400, "the body is not JSON"),
        (b"[]", 400, "should be"),
        (b"[" * 10_000, 400, "the body"),
        (b'{"model": "labels"}', 400, "inputs: is missing"),
        (b'{"inputs": "Anna"}', 400, "model: is missing"),
        (b'{"model": 3, "inputs": "Anna"}', 400, "model: "),
        (b'{"model": "labels", "inputs": "Anna", "path": "/etc/passwd"}', 400, "path: is unknown"),
        (b'{"model": "labels", "inputs": [3]}', 400, "inputs: should be a text"),
        (b'{"model": "labels", "inputs": []}', 400, "is empty"),
        (b'{"model": "labels", "inputs": [{"words": ["a"]}]}', 400, "input 0: has no 'text'"),
        (b'{"model": "labels", "inputs": ["fine", "\\ud800"]}', 400, "input 1: text is not valid Unicode"),
        (b'{"model": "/etc/passwd", "inputs": "Anna"}', 404, "no model '/etc/passwd' is served"),
        (b'{"model": "labels", "inputs": ["a","a","a","a","a","a","a","a","a"]}', 413, "9 in one request; at most 8"),
        (b'{"model": "labels", "inputs": "' + b"a" * 1001 + b'"}', 413, "input 0: has 1,001 characters"),
        (b'{"model": "labels", "inputs": "' + b"a" * 20_000 + b'"}', 413, "larger than 20,000 bytes"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(server: Running, body: bytes, status: int, said: str) -> None:
    response = server.client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    assert said in refusal(response, status)
    assert ask(server, "labels", "Anna").status_code == 200


def test_a_page_of_another_site_reads_nothing(server: Running) -> None:
    for path in ("/v1/models", "/openapi.json", "/metrics"):
        said = refusal(server.client.get(path, headers={"Host": f"evil.example:{server.client.base_url.port}"}), 403)
        assert "does not answer to the name 'evil.example'" in said
        assert server.client.get(path, headers={"Host": "localhost"}).status_code == 200


def test_a_body_without_a_length_is_limited_too(server: Running) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    assert "larger" in refusal(server.client.post("/v1/predict", content=parts()), 413)


def test_models_come_and_go(server: Running) -> None:
    there = server.client.get("/v1/models").json()
    assert [each["id"] for each in there["data"]] == ["labels", "tags"]
    assert there["can_be_loaded"] == ["all", "broken", "ia3"]
    assert refusal(ask(server, "ia3", "Anna"), 404)
    for name in ("ia3", "all"):
        loaded = server.client.post("/v1/models", json={"model": name}).json()
        assert (loaded["id"], loaded["shares_batches"]) == (name, name == "ia3")
        assert ask(server, name, "Anna").json()["answers"][0]["label"] in {"person", "place"}
        assert server.client.get(f"/v1/models/{name}").json()["in_memory"]
        assert server.client.delete(f"/v1/models/{name}").json()["deleted"]
        assert refusal(ask(server, name, "Anna"), 404)
    for name in ("../ia3", ".", "", "nothing", "ia3/../all", "a" * 1000):
        assert "no model" in refusal(server.client.post("/v1/models", json={"model": name}), 404)
    assert "broken: no such trial" in refusal(server.client.post("/v1/models", json={"model": "broken"}), 422)
    assert refusal(server.client.delete("/v1/models/nothing"), 404)


def test_it_tells_of_itself(server: Running) -> None:
    assert server.client.get("/health").json() == {"status": "ok"}
    assert server.client.get("/ready").json() == {"status": "ready"}
    ask(server, "labels", ["Anna", "Rome"])
    numbers = server.client.get("/metrics").text
    assert 'pefbench_requests_total{path="/v1/predict",status="200"}' in numbers
    assert "pefbench_batch_rows_sum" in numbers
    described = server.client.get("/openapi.json").json()
    assert {"/v1/predict", "/v1/models", "/v1/models/{name}", "/health", "/ready", "/metrics"} <= described[
        "paths"
    ].keys()
    page = server.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name, kind in (("page.css", "text/css"), ("page.js", "text/javascript")):
        assert f'"/{name}"' in page.text
        assert server.client.get(f"/{name}").headers["content-type"].startswith(kind)
    assert "no such" in server.client.get("/nothing").text or server.client.get("/nothing").status_code == 404


def test_many_clients_at_once_get_their_own_answers(server: Running) -> None:
    texts = [f"{name} saw {place}" for name in ("Anna", "Boris", "Chen") for place in ("Rome", "Paris")]
    asked = [(model, text) for model in ("labels", "tags") for text in texts]
    expected = {each: ask(server, *each).json() for each in asked}
    wrong: list[Any] = []

    def client(number: int) -> None:
        with httpx.Client(base_url=server.url, timeout=60) as mine:
            for each in asked[number:] + asked[:number]:
                body = {"model": each[0], "inputs": each[1]}
                if number % 3 == 0:  # breaks off
                    with socket.create_connection(mine.base_url.netloc.decode().split(":")) as raw:  # type: ignore[arg-type]
                        raw.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 100\r\n\r\n{")
                response = mine.post("/v1/predict", json=body)
                if response.status_code != 200 or response.json() != expected[each]:
                    wrong.append((each, response.text))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_full_queue_says_when_to_come_back(tagger: Path) -> None:
    running = Running(f"tags={tagger}", "--queue", "8")
    statuses: list[httpx.Response] = []

    def client() -> None:
        with httpx.Client(base_url=running.url, timeout=60) as mine:
            inputs = ["Chen walking to town in Rome and Quito near the river " * 20] * 8  # many windows each
            statuses.extend(mine.post("/v1/predict", json={"model": "tags", "inputs": inputs}) for _ in range(4))

    threads = [threading.Thread(target=client) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [response for response in statuses if response.status_code == 429]
    assert {response.status_code for response in statuses} <= {200, 429}
    assert refused
    assert all(response.headers["retry-after"] == "1" for response in refused)
    first = next(response for response in statuses if response.status_code == 200).json()
    assert all(response.json() == first for response in statuses if response.status_code == 200)
    assert running.end() == 0


def test_keys_and_the_end(classifier: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{KEY}\n", encoding="utf8")
    running = Running(f"labels={classifier}", "--keys", str(file))
    body = {"model": "labels", "inputs": ["Anna saw Rome"] * 8}
    assert "an API key is needed" in refusal(running.client.post("/v1/predict", json=body), 401)
    assert "an API key is needed" in refusal(running.client.get("/metrics"), 401)
    for wrong in (KEY[:-1], f"{KEY}x", "ü" * 20):
        headers = {b"authorization": f"Bearer {wrong}".encode()}
        assert "not known" in refusal(running.client.post("/v1/predict", json=body, headers=headers), 401)
    assert running.client.get("/health").status_code == 200
    right = {"Authorization": f"Bearer {KEY}"}
    assert running.client.post("/v1/predict", json=body, headers=right).status_code == 200
    assert "this server does not unload models" in refusal(
        running.client.delete("/v1/models/labels", headers=right), 403
    )
    host, port = running.url.removeprefix("http://").split(":")
    taken = [socket.create_connection((host, int(port)), timeout=60) for _ in range(4)]
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    )
    for connection in taken:
        connection.sendall(f"{head}Authorization: Bearer {KEY}\r\n\r\n".encode() + content[:20])
    time.sleep(0.3)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    for connection in taken:
        connection.sendall(content[20:])
    for connection in taken:
        assert connection.recv(12) == b"HTTP/1.1 200"
        while connection.recv(65536):
            pass
        connection.close()
    assert running.end() == 0
