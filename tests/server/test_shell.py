"""What all HTTP applications share."""

from __future__ import annotations

import socket
from threading import Event, Thread
from time import sleep

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from pefbench.server import Requests, Settings, application, hosts
from pefbench.server.threads import AT_ONCE


class Slow(Requests):
    """Numbers that wait, as those of a database that another process has locked do."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let, self.was_let = Event(), Event(), False

    def text(self) -> bytes:
        self.asked.set()
        self.was_let = self.let.wait(20)
        return super().text()


class Inner(BaseModel):
    """A part of a body."""

    text: str


class Outer(BaseModel):
    """A body."""

    name: str = Field(pattern="^a$")
    taken: list[Inner]


def test_numbers_that_wait_keep_nobody_waiting() -> None:
    counts = Slow()
    with TestClient(application("slow", Settings(), counts)) as client:
        scraped: list[int] = []
        scraping = Thread(target=lambda: scraped.append(client.get("/metrics").status_code))
        scraping.start()
        assert counts.asked.wait(20)
        assert client.get("/health").status_code == 200
        counts.let.set()
        scraping.join()
    assert (scraped, counts.was_let) == ([200], True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "b", "taken": []}, "name: should match pattern '^a$'"),
        ({"name": "a", "taken": 3}, "taken: should be a list"),
        ({"name": "a", "taken": [3]}, "taken.0: should be an object"),
    ],
)
def test_what_is_wrong_with_a_body_is_plain(body: object, said: str) -> None:
    app = application("strict", Settings())

    @app.post("/v1/take")
    async def take(given: Outer) -> str:
        return given.name

    with TestClient(app) as client:
        answer = client.post("/v1/take", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, said)


def test_a_page_of_another_site_reads_nothing_of_a_local_server() -> None:
    """Its own name resolves to this machine by now: the browser lets it read, and says its name."""
    app = application("local", Settings(hosts=("Box.example",)))
    with TestClient(app) as client:
        for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "x:y"):
            answer = client.get("/openapi.json", headers={"Host": host})
            assert (answer.status_code, "does not answer to the name" in answer.text) == (403, True), host
        known = ("localhost", "LOCALHOST.:8000", "a.localhost:1", "127.0.0.1:8000", "[::1]:8000", "[::1]", "0.0.0.0:1")
        for host in (*known, "box.example", "BOX.example:443"):
            assert client.get("/openapi.json", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize("settings", [Settings(), Settings(keys=("sixteen characters",), hosts=())])
def test_any_name_will_do_where_others_are_served_or_a_key_is_needed(settings: Settings) -> None:
    with TestClient(application("open", settings)) as client:
        assert client.get("/health", headers={"Host": "box.example"}).status_code == 200


@pytest.mark.parametrize(
    ("address", "names", "expected"),
    [("127.0.0.1", [], ()), ("0.0.0.0", [], None), ("0.0.0.0", ["box"], ("box",)), ("127.0.0.1", ["box"], ("box",))],
)
def test_who_listens_on_loopback_answers_to_its_names(address: str, names: list[str], expected: object) -> None:
    with socket.create_server((address, 0)) as listening:
        assert hosts.allowed(listening, names) == expected


def test_a_full_queue_refuses_and_keeps_no_metrics_waiting() -> None:
    app, go = application("busy", Settings(queue=AT_ONCE + 5)), Event()

    @app.get("/v1/wait")
    async def wait() -> bool:
        return bool(await app.state.threads.run(go.wait, timeout=60))

    with TestClient(app) as client:
        found: list[int] = []
        threads = [Thread(target=lambda: found.append(client.get("/v1/wait").status_code)) for _ in range(AT_ONCE + 5)]
        for thread in threads:
            thread.start()
        while app.state.threads.waiting < AT_ONCE + 5:
            sleep(0.01)
        refused = client.get("/v1/wait")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert 'path="/v1/wait",status="429"} 1.0' in client.get("/metrics").text
        go.set()
        for thread in threads:
            thread.join()
        assert found == [200] * (AT_ONCE + 5)
        assert client.get("/v1/wait").status_code == 200
