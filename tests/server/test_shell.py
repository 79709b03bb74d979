"""What every HTTP application has."""

from __future__ import annotations

from threading import Event, Thread

from fastapi.testclient import TestClient

from pefbench.server import Requests, Settings, application


class Slow(Requests):
    """Numbers that wait, as those of a database that another process has locked do."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let, self.was_let = Event(), Event(), False

    def text(self) -> bytes:
        self.asked.set()
        self.was_let = self.let.wait(20)
        return super().text()


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
