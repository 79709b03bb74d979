"""The monitor as a process: its inputs, its interface, and kills at any moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pefbench import paths
from pefbench.apps.monitor.app import APP, STATE
from pefbench.apps.monitor.config import MonitorSection
from pefbench.apps.monitor.opinion import Trained
from pefbench.apps.monitor.store import Store
from pefbench.errors import DataError
from tests.apps.monitor.opinions import days, line
from tests.apps.monitor.test_monitor import surge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Running:
    """A process of the monitor, with a folder of its own."""

    def __init__(self, folder: Path, **config: Any) -> None:
        folder.mkdir(exist_ok=True)
        file = folder / "monitor.yaml"
        values = {"folder": str(folder / "state"), "quiet": 20, **config}
        file.write_text(json.dumps(values), encoding="utf8")
        self.process = subprocess.Popen(
            [paths.INTERPRETER, "-m", "tests.apps.monitor.running", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert " at http://" in said, self.process.stderr and self.process.stderr.read()
        self.url = said.rpartition(" at ")[2].strip()
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def wait(self, items: int, alerts: int = 0, *, unsent: int = 0) -> None:
        """Wait until so many items are counted and so many alerts raised."""
        until = time.monotonic() + 60
        wanted = {"pefbench_items_stored": items, "pefbench_alerts": alerts, "pefbench_alerts_unsent": unsent}
        while (found := self.numbers(wanted)) != wanted:
            assert time.monotonic() < until, found
            time.sleep(0.05)

    def numbers(self, names: Any) -> dict[str, float]:
        lines = [each.split(" ") for each in self.client.get("/metrics").text.splitlines()]
        return {each[0]: float(each[1]) for each in lines if each[0] in names}

    def end(self, how: signal.Signals = signal.SIGTERM) -> str:
        """End it; return what it wrote to standard output."""
        self.client.close()
        self.process.send_signal(how)
        said, logged = self.process.communicate(timeout=60)
        assert self.process.returncode == (0 if how == signal.SIGTERM else -how), logged
        self.logged = logged
        return said


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("monitor"), alerts={"stdout": False}, server={"max_inputs": 700})
    yield running
    running.end()


def sent(given: Any) -> list[dict[str, Any]]:
    return [json.loads(line(each)) for each in given]


def test_items_are_taken_over_http(monitor: Running) -> None:
    body = {"items": [*sent(surge()), {"text": "0.5 a", "time": "2026-11-02"}, {"text": 3}, 3, "0.5 \ud800"]}
    headers = {"content-type": "application/json"}
    answer = monitor.client.post("/v1/items", content=json.dumps(body), headers=headers).json()
    skipped = {"time without zone": 1, "no text": 1, "unreadable": 2}
    assert answer == {"taken": 580, "repeated": 0, "skipped": skipped}
    assert monitor.client.post("/v1/items", content=json.dumps(body), headers=headers).json()["repeated"] == 580
    found = monitor.client.get("/v1/series").json()
    assert (found["items"], found["watched"]) == (580, 1)
    assert found["skipped"] == skipped
    [series] = found["series"]
    assert series["company"] == "Acme"
    assert series["usual_share"] == pytest.approx(0.3, abs=0.05)
    assert 1 < series["delays"]["3"] < series["delays"]["2"] < series["delays"]["1"] < 20
    trend = monitor.client.get(f"/v1/series/{series['id']}").json()
    assert len(trend["periods"]) == 58
    [alert] = monitor.client.get("/v1/alerts").json()["alerts"]
    assert alert["negative_share"] > 0.5
    assert alert["headlines"][0]["negative"] > 0.8
    assert trend["alerts"][0]["key"] == alert["key"]
    assert monitor.client.get("/ready").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "the body is not JSON"),
        (b'{"items": 3}', 400, "items: "),
        (b'{"items": [%b]}' % (b"[" * 3000 + b"]" * 3000), 400, "the body is not JSON"),
        (b'{"text": "a"}', 400, "is missing"),
        (json.dumps({"items": [{}] * 701}).encode(), 413, "at most 700"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(monitor: Running, body: bytes, status: int, said: str) -> None:
    response = monitor.client.post("/v1/items", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert said in response.json()["error"]["message"]
    assert monitor.client.get("/v1/series/99").status_code == 404
    assert monitor.client.get(f"/v1/series/{10**30}").status_code == 404


def test_standard_input_is_read_and_alerts_go_out(tmp_path: Path) -> None:
    alerts = tmp_path / "alerts.jsonl"
    running = Running(tmp_path / "monitor", input={"stdin": True}, alerts={"file": str(alerts)})
    assert running.process.stdin is not None
    running.process.stdin.write("".join(line(each) + "\n" for each in surge()) + "nonsense\n")
    running.process.stdin.flush()
    running.wait(580, 1)
    said = running.end()
    [printed], [filed] = said.splitlines(), alerts.read_text(encoding="utf8").splitlines()
    assert json.loads(printed) == json.loads(filed)
    assert "headline" not in running.logged  # no texts unless asked for
    assert '"alert_sent"' in running.logged
    [skip] = [each for each in map(json.loads, running.logged.splitlines()) if each.get("event") == "skipped"]
    assert (skip["where"], skip["why"], skip["level"]) == ("standard input:581", "unreadable", "WARNING")


def counted(folder: Path) -> tuple[Any, ...]:
    """All that a kill must not change."""
    store = Store(folder / "state" / STATE)
    series = store.series()
    found = series, [store.counts(each.id) for each in series], store.alerts(), store.skips()
    store.close()
    return found


def test_kills_change_nothing(tmp_path: Path) -> None:
    given = sorted([*surge(), *surge("Umbrella")], key=lambda each: each.time)
    folder = tmp_path / "news"
    folder.mkdir()
    lines = [line(each) + "\n" for each in given]
    lines[::50] = [f"broken {each}" for each in lines[::50]]
    (folder / "news.jsonl").write_text("".join(lines), encoding="utf8")
    found = []
    for name, kills in (("whole", 0), ("killed", 4)):
        alerts = tmp_path / f"{name}.jsonl"
        config = {"input": {"folder": str(folder), "every": 0.1}, "alerts": {"stdout": False, "file": str(alerts)}}
        draw = random.Random(5)
        for _ in range(kills):
            running = Running(tmp_path / name, **config)
            time.sleep(draw.uniform(0, 0.3))
            running.end(signal.SIGKILL)
        running = Running(tmp_path / name, **config)
        running.wait(len(given) - len(lines[::50]), 2)
        running.end()
        keys = [json.loads(each)["key"] for each in alerts.read_text(encoding="utf8").splitlines()]
        found.append((counted(tmp_path / name), keys))
    assert found[0] == found[1]
    assert len(set(found[0][1])) == len(found[0][1]) == 2


def test_a_model_of_another_task_is_refused(classifier: Path, tagger: Path) -> None:
    with pytest.raises(DataError, match=r"has no label 'negative'; valid: person, place"):
        Trained({"sentiment": classifier}, "negative", 0.1)
    with pytest.raises(DataError, match="does not give a text one label"):
        Trained({"sentiment": tagger}, "person", 0.1)
    with pytest.raises(DataError, match="does not give a text one label"):
        APP.check(MonitorSection.model_validate({}), {"topic": tagger})


def test_trained_models_say_opinions(classifier: Path) -> None:
    said = Trained({"sentiment": classifier, "topic": classifier}, "place", 0.1)([*days(0, 1)])
    assert len(said) == 10
    assert all(0 <= each.negative <= 1 for each in said)
    assert {each.topic for each in said} <= {"person", "place"}


def test_the_configuration_names_its_models() -> None:
    config = MonitorSection.model_validate({"topic": {"recipe": "topic"}})
    assert list(APP.trainings(config)) == ["sentiment", "topic"]
    assert [*APP.trainings(MonitorSection.model_validate({}))] == ["sentiment"]
