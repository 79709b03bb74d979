"""Bundles answer like the trial, for every head and any method, and a wrong one is detected."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pefbench
from pefbench.errors import MethodError
from pefbench.export import graph
from pefbench.export.exporting import export
from pefbench.export.format import Options
from pefbench.export.replay import difference
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe
from pefbench.trial import run
from tests import tiny
from tests.export.scripts import Session, parts_of
from tests.inference.test_kinds import TASKS, rows
from tests.tokenizers import single_bytes
from tests.trials import labelled
from tests.worlds import write_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

METHODS = {
    "essay_scoring": "ia3",
    "multi_label_classification": "bottleneck",
    "relation_extraction": "lora",
    "question_answering": "prefix",
    "commonsense": "prompt",
}
"""A head each, with methods that merge and others that do not."""
TEXTS = ["Anna saw Paris", "Zola, the river\tnear  Rome (Boris) " * 9, ""]


def answered(bundle: Path, given: list[Any]) -> list[dict[str, Any]]:
    """What the script answers, in a process that cannot import torch, transformers or pefbench."""
    banned = "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'pefbench', 'peft']));"
    code = f"{banned} import runpy; runpy.run_path({str(bundle / 'answer.py')!r}, run_name='__main__')"
    lines = "".join(f"{json.dumps(each)}\n" for each in given)
    done = subprocess.run(
        [sys.executable, "-c", code, "--json"], input=lines, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["tagger", "classifier"])
def test_texts_of_any_length_are_answered_as_by_pefbench(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    trial = request.getfixturevalue(name)
    done = export(trial, tmp_path / "out", "onnx", Options())
    assert "All answers agree" in done.replay
    expected = pefbench.load(trial).predict(TEXTS[:2])
    found = answered(tmp_path / "out", TEXTS)
    assert len(found) == 3
    for one, other in zip(expected, found, strict=False):
        far = difference(one, other)
        assert far is not None
        assert far < 1e-5


@pytest.fixture(scope="module")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of one layer: torch's exporter takes most of a test, as long as the graph has operations."""
    folder = tmp_path_factory.mktemp("shallow") / "model"
    write_model(folder, layers=1)
    return f"file:{folder}"


@pytest.mark.sample(1)
@pytest.mark.parametrize("task", TASKS)
def test_every_head_is_exported(task: str, world: World, shallow: str, tmp_path: Path) -> None:
    lines = dict.fromkeys(json.dumps(each) for each in rows(task))
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    changes = {"options": TASKS[task], "train__max_length": 16, "train__epochs": 1, "method": {"name": METHODS[task]}}
    data, model = {"source": f"file:{tmp_path / 'rows.jsonl'}"}, {"name": shallow}
    recipe = world.recipe(f"bundle_{task}", task=task, data=data, model=model, **changes)
    trial = run.run(load_recipe(recipe), tmp_path / "results")
    done = export(trial, tmp_path / "out", "onnx", Options())
    assert "All answers agree" in done.replay


def test_a_text_is_cut_where_the_tokenizer_cuts(world: World, tmp_path: Path) -> None:
    write_model(tmp_path / "left", layers=1)
    config = tmp_path / "left" / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text(encoding="utf8")), "truncation_side": "left"}))
    written = ["text,label", *(f"{text},{label}" for text, label in labelled(100, seed=1))]
    (tmp_path / "rows.csv").write_text("\n".join(written) + "\n", encoding="utf8")
    changes = {"model": {"name": f"file:{tmp_path / 'left'}"}, "data": {"source": f"file:{tmp_path / 'rows.csv'}"}}
    recipe = world.recipe("left", task="sentiment", train__max_length=16, train__epochs=2, **changes)
    trial = run.run(load_recipe(recipe), tmp_path / "results")
    export(trial, tmp_path / "out", "onnx", Options())
    given: list[Any] = [
        "river " * 20 + "Anna saw Boris " * 6,
        "Rome " * 20 + "Anna saw Boris " * 6,
        {"text": "Rome " * 20, "pair": " "},
    ]
    expected = pefbench.load(trial).predict(given)
    assert expected[0] == expected[1]
    for one, other in zip(expected, answered(tmp_path / "out", given), strict=True):
        far = difference(one, other)
        assert far is not None
        assert far < 1e-5


def test_attention_that_depends_on_the_length_is_refused() -> None:
    with pytest.raises(MethodError, match="BigBird's attention is full for short texts and sparse for long ones"):
        graph.check(tiny.config("bigbird"))
    graph.check(tiny.config("bigbird", attention_type="original_full"))
    graph.check(tiny.config("bert"))


def test_candidates_that_all_have_need_not_be_given() -> None:
    laid = {"room": 6, "before": [1], "between": [2], "after": [2], "types": [0, 0, 0, 1, 1]}
    part = parts_of("choice", ["keep_end"])
    answer = part["answer"]
    tokenizer = single_bytes().backend_tokenizer
    session = Session(lambda ids: np.full((1,), float(len(ids))))
    fixed = {**laid, "candidates": ["a", "abc"]}
    assert answer({"context": "xy"}, fixed, tokenizer, session)["text"] == "abc"
    assert answer({"context": "xy", "candidates": ["abcd", "a"]}, fixed, tokenizer, session)["text"] == "abcd"
    with pytest.raises(part["InputError"], match="candidates should be a list"):
        answer({"context": "xy"}, {**laid, "candidates": []}, tokenizer, session)


@pytest.mark.slow
def test_a_bundle_answers_where_there_is_no_torch(classifier: Path, tmp_path: Path) -> None:
    export(classifier, tmp_path / "out", "onnx", Options())
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    packages = ["onnxruntime", "tokenizers", "numpy", "--constraint", str(PROJECT / "constraints.txt")]
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    lacking = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in lacking.stderr
    command = [str(python), "-I", str(tmp_path / "out" / "answer.py"), *TEXTS[:2]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    for line, one in zip(done.stdout.splitlines(), pefbench.load(classifier).predict(TEXTS[:2]), strict=True):
        far = difference(one, json.loads(line))
        assert far is not None
        assert far < 1e-5
