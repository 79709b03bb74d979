"""Generated texts of many adapters in one batch: each is the text that its adapter generates alone."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

import pefbench
from pefbench.server.engine import Engine
from pefbench.server.store import Store
from tests.server.variants import variant
from tests.trials import dialogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.server.work import Job

METHODS: dict[str, dict[str, Any]] = {
    "lora": {"name": "lora", "rank": 4},
    "vera": {"name": "vera"},
    "ia3": {"name": "ia3"},
    "bottleneck": {"name": "bottleneck"},
    "ln_tuning": {"name": "ln_tuning"},
    "prefix": {"name": "prefix", "num_virtual_tokens": 4},
    "prompt": {"name": "prompt", "num_virtual_tokens": 4},
}
ALONE = {
    "prefix": "a prefix shares no batches where texts are generated",
    "prompt": "adapters of type PROMPT_TUNING do not share batches",
}
ASKED = ["Who is 7?", "Who?", "Who is the one that saw number 31?", "Is it 12?"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder for each name."""
    to = tmp_path_factory.mktemp("written")
    first = dialogue(to, [f"Who is {number}?" for number in range(40)])
    made = {name: variant(first, to / name, method, seed=seed) for seed, (name, method) in enumerate(METHODS.items())}
    return {"first": first.with_suffix(""), **made}


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


def made(engine: Engine, name: str, text: str, **wishes: Any) -> Job:
    served = engine.store.find(name)
    return engine.prepare(served, served.model.query(text, "input", **wishes))


def together(engine: Engine, jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Have these answered in as few batches as can be; return the rows and the models of each."""
    sizes: list[tuple[int, int]] = []
    all_there, begin = Event(), engine._writer._answer
    engine.ran = lambda rows, models: sizes.append((rows, models))

    def answer(items: list[Any]) -> None:
        all_there.wait(60)
        begin(items)

    monkeypatch.setattr(engine._writer, "_answer", answer)
    for job in jobs:
        engine.submit([job])
    all_there.set()
    for job in jobs:
        job.answer.result(120)
    return sizes


def test_adapters_share_batches_or_say_why_not(store: Store) -> None:
    served = {name: store.find(name) for name in store.names()}
    assert {name: each.alone for name, each in served.items() if each.alone} == ALONE
    assert len({id(each.base) for each in served.values() if each.base}) == 1


def test_texts_are_those_of_each_model_alone(
    engine: Engine, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [(name, text) for text in ASKED for name in folders]
    jobs = [made(engine, *each) for each in asked]
    sizes = together(engine, jobs, monkeypatch)
    mixed = len(folders) - len(ALONE)
    assert max(models for _, models in sizes) == mixed
    assert sum(rows for rows, _ in sizes) == len(asked)
    assert len(sizes) <= 1 + 1 + len(ALONE)  # what came first, the rest of those that are mixed, each of the others
    expected = {name: pefbench.load(folder).predict(ASKED) for name, folder in folders.items()}
    for (name, text), job in zip(asked, jobs, strict=True):
        assert job.answer.result() == expected[name][ASKED.index(text)], (name, text)
    assert len({answer["text"] for answers in expected.values() for answer in answers}) > len(folders)


def test_each_text_is_written_as_it_is_wanted(
    engine: Engine, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes: list[dict[str, Any]] = [
        {},
        {"max_new_tokens": 3},
        {"temperature": 0.9, "seed": 5},
        {"temperature": 0.9, "seed": 6, "max_new_tokens": 40},
    ]
    names = ["first", "lora", "ia3", "prompt"]
    models = {name: pefbench.load(folders[name]) for name in names}
    [said] = models["first"].predict([ASKED[0]])
    asked = [*((name, wish) for wish in wishes for name in names), ("first", {"stop": [said["text"][2:4]]})]
    jobs = [made(engine, name, ASKED[0], **wish) for name, wish in asked]
    together(engine, jobs, monkeypatch)
    for (name, wish), job in zip(asked, jobs, strict=True):
        [expected] = models[name].predict([ASKED[0]], **wish)
        assert job.answer.result() == expected, (name, wish)
    assert jobs[-1].answer.result()["text"] == said["text"][:2]


def test_a_text_is_answered_as_soon_as_it_has_ended(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = made(engine, "lora", ASKED[0], max_new_tokens=2), made(engine, "ia3", ASKED[1], max_new_tokens=60)
    order: list[str] = []
    told: list[str] = []
    short.answer.add_done_callback(lambda _: order.append("short"))
    long.answer.add_done_callback(lambda _: order.append("long"))
    wanted = long.query.wanted
    assert wanted is not None

    def tell(text: str) -> bool:
        told.append(text)
        order.append("told")
        return True

    long.query = replace(long.query, wanted=replace(wanted, told=tell))
    first = made(engine, "first", ASKED[0], max_new_tokens=1)  # the two wait together while it is written
    together(engine, [first, short, long], monkeypatch)
    answer = long.answer.result()
    assert "".join(told) == answer["text"]
    assert answer["tokens"] > 4
    assert order.index("short") < len(order) - 1 - order[::-1].index("told")
    assert order[-1] == "long"


def test_a_fault_of_one_model_is_no_other_ones(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [made(engine, name, ASKED[0]) for name in ("first", "first", "lora", "ia3")]
    lora = engine.store.find("lora")
    hold = engine.store.hold

    def held(served: Any) -> Any:
        adapter = hold(served)
        if served is lora:
            monkeypatch.setattr(next(iter(adapter.parts.values())), "scale", "no number")
        return adapter

    monkeypatch.setattr(engine.store, "hold", held)
    with pytest.raises(TypeError):
        together(engine, jobs, monkeypatch)
    [expected, _, _, other] = [job.answer.exception() or job.answer.result(60) for job in jobs]
    assert jobs[1].answer.result() == expected
    assert isinstance(expected, dict)
    assert isinstance(other, dict)
    assert isinstance(jobs[2].answer.exception(), TypeError)
    assert engine.waiting == 0


def test_beams_are_searched_for_one_text_at_a_time(
    engine: Engine, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [made(engine, "lora", text) for text in ASKED]
    for job in jobs:
        wanted = job.query.wanted
        assert wanted is not None
        job.query = replace(job.query, wanted=replace(wanted, search=replace(wanted.search, num_beams=3)))
    jobs = [engine.prepare(job.served, job.query) for job in jobs]
    sizes = together(engine, jobs, monkeypatch)
    assert sizes == [(1, 1)] * len(jobs)
    model = pefbench.load(folders["lora"])
    assert [job.answer.result() for job in jobs] == [model.answers([job.query])[0] for job in jobs]
