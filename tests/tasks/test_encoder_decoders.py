"""Every generating task on tiny T5, BART and Marian models: trained, generated, scored and saved.

The round trip, in a process of its own, is that of the other whole trials.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import RecipeError
from pefbench.recipe import resolve
from pefbench.registry import find, names
from pefbench.trial import round_trip, run
from tests import tiny
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from pathlib import Path

MANY = 60
ROWS: dict[str, list[dict[str, Any]]] = {
    "translation": [{"source": f"good day {i}", "target": f"guten Tag {i}"} for i in range(MANY)],
    "summarization": [{"document": f"It counts {i}. Then it stops.", "summary": f"Count {i}."} for i in range(MANY)],
    "dialogue": [{"prompt": f"Who is {i}?", "completion": f"I am {i}."} for i in range(MANY)],
    "controllable_generation": [{"text": f"{i} {'bgoaodd'[i % 2 :: 2]}", "label": "np"[i % 2]} for i in range(MANY)],
    "code_generation": [
        {
            "prompt": f'def f():\n    """Return {i}."""\n',
            "canonical_solution": f"    return {i}\n",
            "entry_point": "f",
            "test": f"def check(candidate):\n    assert candidate() == {i}\n",
        }
        for i in range(MANY)
    ],
    "math_reasoning": [{"query": f"What is {i} and 1?", "response": f"The answer is: {i + 1}"} for i in range(MANY)],
    "data_augmentation": [{"text": f"{i} {'bgoaodd'[i % 2 :: 2]}", "label": "np"[i % 2]} for i in range(MANY)],
}
OPTIONS: dict[str, dict[str, Any]] = {
    "controllable_generation": {"first_words": 1, "judged_by": 0.5, "kind": "x"},
    "data_augmentation": {"per_class": 5, "kind": "x"},
}


def settled(folder: Path, task: str, architecture: str) -> Any:
    """Return a recipe for a model of bytes, and a corpus of a few letters, both written to the folder."""
    longer: dict[str, Any] = {} if architecture == "t5" else {"max_position_embeddings": 64}
    tiny.seq2seq_lm(architecture, vocab_size=260, **longer).save_pretrained(folder / "model")
    single_bytes(architecture).save_pretrained(folder / "model")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS[task]), encoding="utf8")
    raw = {
        "task": task,
        "options": OPTIONS.get(task, {}) | {"max_new_tokens": 24},
        "model": {"name": f"file:{folder / 'model'}"},
        "data": {"source": f"file:{folder / 'rows.jsonl'}"},
        "method": {"name": "lora"},
        "train": {"epochs": 1, "batch_size": 8, "threads": 1, "max_length": 48, "precision": "fp32"},
    }
    return resolve(raw, name=f"lora_{task}")


def test_the_tasks_here_are_all_that_generate() -> None:
    assert {name for name in names("task") if find("task", name).head == "generation"} == ROWS.keys()


@pytest.mark.sample(6)
@pytest.mark.parametrize("architecture", ["t5", "bart", "marian"])
@pytest.mark.parametrize("task", ROWS)
def test_a_trial_runs_on_an_encoder_decoder(
    task: str, architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trip = {"reproduced": True, "examples": 1, "differ": 0, "seconds": 1.0}
    monkeypatch.setattr(round_trip, "check_in_fresh_process", lambda _folder, **_: trip)
    path = run.run(settled(tmp_path, task, architecture), tmp_path / "out")
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    assert result["curve"]
    test, baselines = result["metrics"]["test"], result["baselines"]
    assert result["headline"] in test
    assert "|search:" in test[result["headline"]]["signature"]
    assert set(baselines) == set(find("task", task).baselines)
    assert all(result["headline"] in found for found in baselines.values())
    lines = (path.with_suffix("") / "predictions.jsonl").read_text(encoding="utf8").rstrip("\n").split("\n")
    assert len(lines) == test[result["headline"]]["examples"] == result["data"]["splits"]["test"]["examples"]


def test_an_encoder_is_refused(tmp_path: Path) -> None:
    recipe = settled(tmp_path, "translation", "t5")
    tiny.model("bert", vocab_size=260).save_pretrained(tmp_path / "model")
    with pytest.raises(RecipeError, match=r"^model.name: bert is an encoder and cannot generate text; use a decoder"):
        run.run(recipe, tmp_path / "out")
