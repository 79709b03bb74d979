"""Trials on a real Ray cluster of two nodes on this machine, one of which is killed, and refusals."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pefbench.compare import grid, report
from pefbench.engines import ray as engine
from pefbench.engines.engine import Resources
from pefbench.errors import OutputError, TrialError, UserError
from pefbench.results.store import read_result
from pefbench.search import record
from pefbench.search.find import find
from pefbench.search.wanted import Wanted
from tests.compare import files
from tests.engines.searching import searched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.worlds import World

HINT = "ray is not installed: pip install 'pefbench[ray]'"


def node(**resources: float) -> dict[str, Any]:
    return {"Alive": True, "Resources": resources}


def test_as_many_trials_run_as_the_nodes_have_room_for() -> None:
    nodes = [
        node(CPU=5.0, GPU=2.0),
        node(CPU=16.0, GPU=1.0),
        node(CPU=64.0),
        {**node(CPU=9.0, GPU=9.0), "Alive": False},
    ]
    assert engine._room(nodes, {"num_cpus": 2, "num_gpus": 1}) == 3
    assert engine._room(nodes, {"num_cpus": 2, "num_gpus": 0}) == 2 + 8 + 32
    with pytest.raises(UserError, match="asks for 2 CPUs and 3 GPUs, and no node has them; the largest has 64 CPUs"):
        engine._room(nodes, {"num_cpus": 2, "num_gpus": 3})


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"^--on ray needs Ray: pip install 'pefbench\[ray\]'$"):
        engine.RayEngine(tmp_path, Resources("ray"))


def test_a_cluster_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(OutputError, match=r"^--on ray: no cluster answers at 127.0.0.1:9: .*refused; start one"):
        engine.RayEngine(tmp_path, Resources("ray"))


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "local"])
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    monkeypatch.setenv("RAY_ADDRESS", address)
    told = f"^--on ray: no cluster answers at {address}: not an address such as head:6379; start one"
    with pytest.raises(OutputError, match=told):
        engine.RayEngine(tmp_path, Resources("ray"))


@contextmanager
def answering(said: bytes) -> Iterator[str]:
    """The address of a server that says this to whoever comes first."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as client:
                client.recv(64)
                client.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command\r\n", b""])
def test_a_server_that_is_not_ray_is_refused_at_once(
    said: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    with answering(said) as address:
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(OutputError, match="the server there is not Ray; use the port of ray start"):
            engine.RayEngine(tmp_path, Resources("ray"))


def test_what_ray_says_of_its_nodes_goes_to_a_log_and_not_among_the_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SimpleNamespace(options=lambda **_: None)
    ray = SimpleNamespace(
        init=lambda *_, **__: None,
        cluster_resources=dict,
        nodes=lambda: [node(CPU=1.0)],
        remote=lambda _: task,
        shutdown=lambda: print("left"),  # noqa: T201
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    with answering(bytes(3) + engine.SETTINGS + bytes(5)) as address:
        monkeypatch.setenv("RAY_ADDRESS", address)
        with engine.RayEngine(tmp_path, Resources("ray")):
            print("a node died")  # noqa: T201
    print("verdict")  # noqa: T201
    assert capsys.readouterr().out == "verdict\n"
    assert (tmp_path / "ray.log").read_text(encoding="utf8") == "a node died\nleft\n"


def test_a_task_that_fails_for_good_is_a_lost_trial_in_one_line() -> None:
    class LostError(Exception):
        pass

    def get(_: object) -> None:
        raise LostError("The worker died.\n\nmuch more")

    made = object.__new__(engine.RayEngine)
    made.ray = SimpleNamespace(get=get, exceptions=SimpleNamespace(RayError=LostError))
    made.task, made.running, made.needs = SimpleNamespace(remote=lambda *_: 1), set(), {"num_cpus": 1}
    with pytest.raises(TrialError, match=r"^its task failed: LostError: The worker died\.$"):
        made.one({})
    assert not made.running


def test_a_trial_whose_process_dies_is_told_as_on_one_machine() -> None:
    told = SimpleNamespace(cause=TrialError("its process was ended by SIGKILL"))
    assert engine._why(cast("Exception", told)) == "its process was ended by SIGKILL"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one core each."""
    pytest.importorskip("ray", reason=HINT)
    from ray.cluster_utils import Cluster

    two = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    two.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", two.address)
    yield two
    two.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_dies_costs_nothing_but_time(
    cluster: Any, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = files.write(world, "on_ray")
    local = report.read(grid.compare(grid.Wanted(file, tmp_path / "local", overrides=("train.epochs=6",))))
    out = tmp_path / "ray"
    raylet = next(iter(cluster.worker_nodes)).all_processes["raylet"][0].process.pid

    def kill() -> None:
        while not [*out.rglob("????????????.json")]:
            time.sleep(0.05)
        os.kill(raylet, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    found = report.read(grid.compare(grid.Wanted(file, out, Resources("ray"), overrides=("train.epochs=6",))))
    killer.join()
    assert found["complete"]
    assert found["pairs"] == local["pairs"]
    assert [method["chosen"] for method in found["methods"]] == [method["chosen"] for method in local["methods"]]
    placed = [read_result(file)["provenance"]["placement"] for file in out.rglob("????????????.json")]
    assert {each["engine"] for each in placed} == {"ray"}
    assert len({each["node"] for each in placed}) == 2, json.dumps(placed)
    assert capsys.readouterr().out == "", "what a verdict is printed to has nothing else"
    assert "raylet" in (out / "on_ray" / "ray.log").read_text(encoding="utf8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_search_finds_there_what_it_finds_here(cluster: Any, world: World, tmp_path: Path) -> None:
    del cluster
    local, _ = searched(world, tmp_path / "local", Resources())
    found, placed = searched(world, tmp_path / "ray", Resources("ray"))
    assert found == local
    assert {each["engine"] for each in placed} == {"ray"}
    assert len({each["node"] for each in placed}) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_successive_halving_stops_trials_on_the_nodes(cluster: Any, world: World, tmp_path: Path) -> None:
    del cluster
    space = {"train.learning_rate": {"log_uniform": [1e-5, 3e-2]}}
    file = world.recipe("halved", search=space, train__epochs=3, train__max_examples=64)
    found = record.read(find(Wanted(file, tmp_path, trials=6, racing=1, seeds=1, resources=Resources("ray"))))
    [method] = found["methods"].values()
    ends = [trial["status"] for trial in method["trials"]]
    assert sorted({*ends}) == ["finished", "stopped"]
    for trial in method["trials"]:
        whole = trial["status"] == "finished"
        assert trial["examples"] == (192 if whole else 64 * len(trial["evaluations"]))
    trained = [read_result(each) for each in tmp_path.rglob("????????????.json")]
    placed = [result["provenance"]["placement"] for result in trained if result["status"] == "finished"]
    assert {each["engine"] for each in placed} == {"ray"}
    assert len(placed) == ends.count("finished") + 1, "those that were stopped have no result; the named one has two"
