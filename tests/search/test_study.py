"""A study in a real database: shared by processes, readable by optuna-dashboard; killed trials are repeated."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from optuna import create_study
from optuna.samplers import RandomSampler

from pefbench.engines.pruning import AGAIN, pruner_of
from pefbench.errors import OutputError
from pefbench.search import study
from pefbench.search.ranges import Choice, Range
from pefbench.search.samplers import sampler_of
from pefbench.search.space import Space
from tests.slurm import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna import Study, Trial

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed to be used with Study.optimize")
SPACE = Space({"train.learning_rate": Range(1e-4, 1e-2, log=True), "method.rank": Choice([2, 4])})


_opened: list[Study] = []


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    """Optuna leaves them to the end of the process."""
    yield
    for each in _opened:
        storage: Any = each._storage
        storage.remove_session()
        storage._backend.engine.dispose()
    _opened.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the threads of Optuna's heartbeat leave theirs open
        gc.collect()


def opened(address: str, name: str = "tiny-12345678") -> Study:
    sampler = sampler_of("random", SPACE, 9, 0)
    found = study.open_study(address, name, SPACE, sampler=sampler, pruner=pruner_of("asha"), higher=True)
    _opened.append(found)
    return found


def test_a_database_holds_one_study_for_several_processes(postgres: str) -> None:
    def work() -> None:
        from optuna.study import MaxTrialsCallback

        one = opened(postgres)
        one.sampler.reseed_rng()
        one.optimize(lambda trial: SPACE.suggest(trial)["method.rank"], callbacks=[MaxTrialsCallback(9)])
        storage: Any = one._storage
        storage.remove_session()  # a thread has its own, which nobody could close after it

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    trials = opened(postgres).get_trials()
    assert 9 <= sum(study.counted(trial) for trial in trials) <= 11, "those that ran when the ninth ended"
    assert len({trial.number for trial in trials}) == len(trials)


def test_a_trial_that_was_killed_is_proposed_again_and_counts_once(postgres: str) -> None:
    one = opened(postgres, "killed-12345678")
    lost = one.ask()
    setting = SPACE.suggest(lost)
    one.tell(lost, state=study_state("FAIL"))
    assert study.take_up(opened(postgres, "killed-12345678"), alone=False) == 1
    assert study.take_up(opened(postgres, "killed-12345678"), alone=False) == 0
    again = one.ask()
    assert SPACE.suggest(again) == setting
    assert again.user_attrs[AGAIN] == lost.number
    one.tell(again, 1.0)
    assert sum(study.counted(trial) for trial in one.get_trials()) == 1


def study_state(name: str) -> Any:
    from optuna.trial import TrialState

    return TrialState[name]


@pytest.mark.slow
def test_the_dashboard_opens_the_study(postgres: str) -> None:
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    opened(postgres, "shown-12345678").optimize(lambda trial: SPACE.suggest(trial)["method.rank"], n_trials=2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()", postgres, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def answers() -> bool:
        try:
            return "Optuna Dashboard" in get("/dashboard")
        except OSError:
            return False

    try:
        until(answers, 60)
        studies = json.loads(get("/api/studies"))["study_summaries"]
    finally:
        server.terminate()
        server.wait()
    assert "shown-12345678" in {each["study_name"] for each in studies}


def test_a_database_that_does_not_answer_is_refused_in_one_line() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    started = time.monotonic()
    with pytest.raises(OutputError, match=r"^--storage postgresql://tests@127\.0\.0\.1:9/x: .*refused"):
        opened("postgresql://tests@127.0.0.1:9/x")
    assert time.monotonic() - started < 30


def test_the_field_that_the_score_follows_is_the_important_one() -> None:
    opened = create_study(direction="maximize", sampler=RandomSampler(seed=0))
    assert study.importance(opened) == {}

    def score(trial: Trial) -> float:
        return trial.suggest_float("train.learning_rate", 0, 1) + 0.01 * trial.suggest_int("method.rank", 1, 8)

    opened.optimize(score, n_trials=study.FEWEST_FOR_IMPORTANCE - 1)
    assert study.importance(opened) == {}
    opened.optimize(score, n_trials=12)
    found = study.importance(opened)
    assert found.keys() == {"train.learning_rate", "method.rank"}
    assert found["train.learning_rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)
