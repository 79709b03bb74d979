"""Heads of every kind on one base: each answers in mixed batches as it does alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import pefbench
from pefbench.export.replay import difference
from pefbench.recipe import load_recipe, load_resolved
from pefbench.server.engine import Engine
from pefbench.server.store import Store
from pefbench.trial import corpus, round_trip, run
from pefbench.trial.saved import read_trial
from tests import tiny
from tests.inference.test_kinds import TASKS, query, rows
from tests.server.variants import variant
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

METHODS = {
    "essay_scoring": "ia3",
    "multi_label_classification": "bottleneck",
    "relation_extraction": "prefix",
    "question_answering": "lora",
    "commonsense": "vera",
}
"""A head each: regression, multi_label, marked, span, choice."""
ASKED = 5


@pytest.fixture(scope="module")
def trials(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A trial of each head, hardly trained, and not verified in a process of its own."""
    folder = tmp_path_factory.mktemp("heads")
    found: dict[str, Path] = {}
    checked: Any = {"reproduced": True, "examples": 1, "differ": 0, "seconds": 1.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(round_trip, "check_in_fresh_process", lambda _folder, **_: checked)
        for task, method in METHODS.items():
            lines = dict.fromkeys(json.dumps(each) for each in rows(task))
            (folder / f"{task}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
            changes: dict[str, Any] = {"options": TASKS[task], "train__epochs": 0.2, "method": {"name": method}}
            data = {"source": f"file:{folder / f'{task}.jsonl'}"}
            recipe = world.recipe(f"heads_{task}", task=task, data=data, **changes)
            found[task] = run.run(load_recipe(recipe), folder / "out").with_suffix("")
    return found


def inputs(task: str, trial: Path) -> list[Any]:
    """Test examples of a trial as inputs."""
    tested = corpus.load(load_resolved(read_trial(trial)["recipe"])).dataset.splits["test"]
    return [query(task, example) for example in list(tested)[:ASKED]]


def test_answers_of_every_head_are_those_of_the_model_alone(trials: dict[str, Path]) -> None:
    store, sizes = Store(keep=8), list[tuple[int, int]]()
    engine = Engine(store, capacity=1000)
    engine.ran = lambda rows, models: sizes.append((rows, models))
    given = {task: inputs(task, trial) for task, trial in trials.items()}
    served = {task: store.open(task, trial) for task, trial in trials.items()}
    assert not any(each.alone for each in served.values())
    jobs = {
        (task, at): engine.prepare(served[task], served[task].model.query(given[task][at], "input"))
        for at in range(ASKED)
        for task in trials
    }
    with store.still:  # let all come together before the first batch runs
        for job in jobs.values():
            engine.submit([job])
    together = {key: job.answer.result(60) for key, job in jobs.items()}
    assert max(models for _, models in sizes) > 1
    for (task, at), answer in together.items():
        job = engine.prepare(served[task], served[task].model.query(given[task][at], "input"))
        engine.submit([job])
        assert job.answer.result(60) == answer, task  # the same bits, with nothing beside it
    for task, trial in trials.items():
        alone = pefbench.load(trial).predict(given[task])
        for at, expected in enumerate(alone):
            far = difference(expected, together[task, at])
            assert far is not None, (task, expected, together[task, at])
            assert far < 1e-5
    assert engine.stop(60)


@pytest.mark.parametrize(
    ("architecture", "task", "alone"),
    [
        ("t5", "essay_scoring", ""),
        ("bigbird", "essay_scoring", "its attention is sparse, and depends on the length of a batch"),
        ("gpt2", "commonsense", "the head of GPT2LMHeadModel is pretrained, and no adapter's own"),
    ],
)
def test_bases_of_other_kinds_answer_as_the_model_alone(
    architecture: str, task: str, alone: str, trials: dict[str, Path], tmp_path: Path
) -> None:
    made = tiny.causal_lm if architecture == "gpt2" else tiny.sequence_classifier
    made(architecture, vocab_size=260, initializer_range=0.3).save_pretrained(tmp_path / "base")
    single_bytes(architecture).save_pretrained(tmp_path / "base")
    folder = variant(trials[task], tmp_path / "model", {"name": "lora"}, base=tmp_path / "base")
    given = inputs(task, trials[task])
    engine = Engine(Store(keep=1), capacity=1000)
    served = engine.store.open("other", folder)
    assert served.alone == alone
    jobs = [engine.prepare(served, served.model.query(each, "input")) for each in given]
    engine.submit(jobs)
    model = pefbench.load(folder)
    for each, job in zip(given, jobs, strict=True):
        [expected] = model.predict([each])
        far = difference(expected, job.answer.result(60))
        assert far is not None
        assert far < 1e-5
    assert engine.stop(60)
