"""The engine: many models in one batch, each with the answers that it gives alone."""

from __future__ import annotations

import json
import random
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

import pefbench
from pefbench.errors import DataError
from pefbench.server.engine import Engine
from pefbench.server.store import Store, UnknownModelError
from pefbench.server.worker import QueueFull, Stopping
from pefbench.trial.saved import ABOUT
from tests.server.variants import variant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.inference.kind import Answer
    from pefbench.server.work import Job

TEXTS = ["Anna saw", "Paris", "Chen walking to town in Rome and Quito near the river", "", "Boris slept ."]
METHODS: dict[str, dict[str, Any]] = {
    "ia3": {"name": "ia3"},
    "bottleneck": {"name": "bottleneck"},
    "prefix": {"name": "prefix", "num_virtual_tokens": 4},
    "bitfit": {"name": "bitfit"},
    "full": {"name": "full"},
    "prompt": {"name": "prompt", "num_virtual_tokens": 4},
}


@pytest.fixture(scope="module")
def folders(classifier: Path, tagger: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder for each name: heads of two kinds, methods that share batches and two that do not."""
    to = tmp_path_factory.mktemp("served")
    made = {name: variant(classifier, to / name, method) for name, method in METHODS.items()}
    made["tags-ia3"] = variant(tagger, to / "tags-ia3", METHODS["ia3"])
    return {"labels": classifier.with_suffix(""), "tags": tagger.with_suffix(""), **made}


@pytest.fixture(scope="module")
def store(folders: dict[str, Path]) -> Store:
    found = Store(keep=3)
    for name, folder in folders.items():
        found.open(name, folder)
    return found


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    found = Engine(store, capacity=1000)
    yield found
    assert found.stop(60)


def ask(engine: Engine, name: str, text: str) -> Job:
    served = engine.store.find(name)
    job = engine.prepare(served, served.model.query(text, "input"))
    engine.submit([job])
    return job


def answer(job: Job) -> Answer:
    return job.answer.result(60)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    return [value] if isinstance(value, float) else []


def without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_numbers(each) for each in value]
    return None if isinstance(value, float) else value


def test_methods_share_batches_or_say_why_not(store: Store) -> None:
    alone = {name: store.find(name).alone for name in store.names() if store.find(name).alone}
    assert alone == {"full": "it is a whole model", "prompt": "adapters of type PROMPT_TUNING do not share batches"}
    bases = {id(store.find(name).base) for name in store.names() if name not in alone}
    assert len(bases) == 1


def test_answers_are_those_of_each_model_alone(engine: Engine, folders: dict[str, Path]) -> None:
    sizes: list[tuple[int, int]] = []
    engine.ran = lambda rows, models: sizes.append((rows, models))
    asked = [(name, text) for name in folders for text in TEXTS if text or name != "labels"]
    asked = [(name, text) for name, text in asked if text or name.startswith("tags")]
    apart = {each: answer(ask(engine, *each)) for each in asked}
    assert max(models for _, models in sizes) == 1
    for name, folder in folders.items():
        model = pefbench.load(folder)
        mine = [text for other, text in asked if other == name]
        for text in mine:
            [expected] = model.predict([text])
            assert without_numbers(apart[name, text]) == without_numbers(expected)
            assert numbers(apart[name, text]) == pytest.approx(numbers(expected), abs=1e-6)
    sizes.clear()
    many = asked * 4
    random.Random(1).shuffle(many)
    with engine.store.still:  # so that they wait together
        jobs = [ask(engine, *each) for each in many]
    for each, job in zip(many, jobs, strict=True):
        assert answer(job) == apart[each], each  # to the last bit
    assert max(models for _, models in sizes) >= 5
    assert max(rows for rows, _ in sizes) >= 20


def test_weights_beyond_keep_leave_memory_and_come_back(engine: Engine, folders: dict[str, Path]) -> None:
    for name in folders:
        ask(engine, name, "Anna").answer.result(60)
    time.sleep(0.05)
    assert engine.store.resident() == list(folders)[-3:]
    loads: list[float] = []
    engine.store.loaded = loads.append
    first = answer(ask(engine, "labels", "Anna saw Rome"))
    assert len(loads) == 1
    assert answer(ask(engine, "labels", "Anna saw Rome")) == first
    assert len(loads) == 1


def test_what_nobody_waits_for_is_left_out(engine: Engine) -> None:
    with engine.store.still:
        first = ask(engine, "labels", "Anna")
        left = ask(engine, "labels", "Paris")
        while not first.started:
            time.sleep(0.001)
        assert left.answer.cancel() or left.started
    assert answer(first)["label"] in {"person", "place"}
    assert answer(ask(engine, "labels", "Paris"))["label"] in {"person", "place"}
    assert engine.waiting == 0


def test_who_leaves_the_queue_makes_room(store: Store) -> None:
    engine = Engine(store, capacity=3)
    with store.still:
        first = ask(engine, "labels", "Anna")
        while not first.started:
            time.sleep(0.001)
        left = [ask(engine, name, "Chen walking to town in Rome " * 40) for name in ("tags", "prompt")]
        assert len(left[0].items) > 1, "a job of several windows"
        assert all(job.answer.cancel() for job in left)
        jobs = [ask(engine, "labels", "Rome"), ask(engine, "tags", "Rome")]
        assert engine.waiting == 3
    assert all(answer(job) for job in (first, *jobs))
    assert engine.stop(60)
    assert engine.waiting == 0


def test_the_queue_has_an_end(store: Store) -> None:
    engine = Engine(store, capacity=2)
    with store.still:
        jobs = [ask(engine, "labels", "Anna"), ask(engine, "labels", "Rome")]
        with pytest.raises(QueueFull):
            ask(engine, "labels", "Paris")
    assert [answer(job)["truncated"] for job in jobs] == [False, False]
    assert engine.stop(60)
    with pytest.raises(Stopping):
        ask(engine, "labels", "Paris")


def test_what_was_taken_is_answered_before_the_end(store: Store) -> None:
    engine = Engine(store, capacity=100)
    with store.still:
        jobs = [ask(engine, name, "Anna saw Rome") for name in store.names()]
        assert not engine.stop(0.01)
    assert engine.stop(60)
    assert all(job.answer.done() for job in jobs)


def test_a_fault_of_one_model_is_no_other_ones(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    served = engine.store.find("ia3")

    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(served.model._head, "scored", broken)
    with engine.store.still:
        jobs = {name: ask(engine, name, "Anna saw Rome") for name in ("ia3", "labels", "bottleneck")}
    with pytest.raises(RuntimeError, match="broken"):
        answer(jobs["ia3"])
    assert answer(jobs["labels"])
    assert answer(jobs["bottleneck"])


def test_a_closed_model_answers_what_it_has(engine: Engine, folders: dict[str, Path]) -> None:
    engine.store.open("again", folders["ia3"])
    with engine.store.still:
        job = ask(engine, "again", "Anna saw Rome")
        engine.store.close("again")
    assert answer(job) == answer(ask(engine, "ia3", "Anna saw Rome"))
    with pytest.raises(UnknownModelError, match="no model 'again' is served"):
        engine.store.find("again")


def test_a_damaged_adapter_is_told_of(store: Store, folders: dict[str, Path], tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(folders["ia3"], tmp_path / "damaged")
    file = copy / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        store.open("damaged", copy)
    assert "damaged" not in store.names()


def test_another_trial_in_the_folder_is_told_of(engine: Engine, folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["ia3"], tmp_path / "changing")
    engine.store.open("changing", tmp_path / "changing")
    first = answer(ask(engine, "changing", "Anna"))
    about = tmp_path / "changing" / ABOUT
    told = json.loads(about.read_text(encoding="utf8"))
    about.write_text(json.dumps({**told, "labels": told["labels"][::-1]}), encoding="utf8")
    assert answer(ask(engine, "changing", "Anna")) == first, "its weights are in memory"
    for name in ("labels", "tags", "bitfit"):
        answer(ask(engine, name, "Anna"))
    with pytest.raises(DataError, match=r"^changing: its folder holds another trial by now; unload it, and load"):
        ask(engine, "changing", "Anna")
    engine.store.close("changing")
    assert engine.waiting == 0
