"""Code generation: rows of HumanEval and MBPP, functions of packages, and functions without tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pefbench.errors import DataError, RecipeError
from pefbench.metrics.pass_at_k import PassAtK
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe, resolve
from pefbench.sections import DataSection
from pefbench.sources import BadRows, Row
from pefbench.tasks.code_generation import TASK
from pefbench.trial import run
from tests import gguf_files, tiny
from tests.tasks import loading

if TYPE_CHECKING:
    from pefbench.heads.examples import GenerationExample
    from pefbench.heads.generation import GenerationDataset

HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'def twice(x):\n    """Return x two times."""\n',
    "entry_point": "twice",
    "canonical_solution": "    return x * 2\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n",
}
MBPP = {
    "task_id": 1,
    "text": "Write a function to double a number. ",
    "code": "def twice(x):\r\n  return x * factor",
    "test_list": ["assert twice(2) == 4", "assert twice(0) == 0"],
    "test_setup_code": "factor = 2",
    "challenge_test_list": [],
}
PACKAGE = '''
def {0}(x):
    """Return {0}.

    >>> {0}(1)
    {1}
    """
    return x + {1} - 1


def untested_{0}(x):
    """Return untested {0}."""
    return x * {1}
'''


def read(rows: list[dict[str, Any]], **options: Any) -> GenerationDataset:
    kept = [Row({column: row.get(column) for column in TASK.columns}, "x.jsonl", i) for i, row in enumerate(rows, 1)]
    return cast("GenerationDataset", TASK.read({"test": kept}, BadRows(), **TASK.options(**options).model_dump()))


def passes(example: GenerationExample, answer: str) -> float:
    metric = PassAtK()
    reference = metric.read_reference({"texts": [], **example.facts})
    return float(metric.compute(predictions=[metric.read(answer)], references=[reference])["pass_at_1"])


def loaded(folder: Path, layout: dict[str, Any], **changes: str) -> list[GenerationExample]:
    """Return the examples of a file whose rows differ in their descriptions alone."""
    column = "text" if "text" in layout else "prompt"
    rows = [{**layout, **changes, column: f"{layout[column]}#{i}\n"} for i in range(40)]
    (folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    splits = loading.load("code_generation", folder / "x.jsonl").dataset.splits
    return [example for split in splits.values() for example in split]


def test_humaneval_is_a_head_and_its_body(tmp_path: Path) -> None:
    examples = loaded(tmp_path, HUMANEVAL)
    assert len(examples) == 40
    assert examples[0].prompt.startswith(HUMANEVAL["prompt"])
    assert examples[0].target == "    return x * 2\n"
    assert examples[0].facts["prompt"] == examples[0].prompt
    assert passes(examples[0], examples[0].target) == 1
    assert passes(examples[0], "    return x * 3\n") == 0


def test_mbpp_is_a_sentence_and_its_tests(tmp_path: Path) -> None:
    example = loaded(tmp_path, MBPP)[0]
    assert example.prompt.startswith(
        "You are an expert Python programmer, and here is your task: Write a function to double a number. #"
    )
    assert example.prompt.endswith(
        " Your code should pass these tests:\n\nassert twice(2) == 4\nassert twice(0) == 0\n"
    )
    assert example.target == "def twice(x):\n  return x * factor"
    assert passes(example, example.target) == 1
    assert passes(example, f"```python\n{example.target}\n```") == 1
    assert passes(example, "def twice(x):\n  return 4") == 0


def test_mbpp_as_it_was_sanitised_has_its_imports() -> None:
    row = {"prompt": "Double.", "solution": "def f(x): return math.floor(x) * 2", "tests": ["assert f(1.5) == 2"]}
    [example] = read([{**row, "setup": ["import math"]}]).splits["test"]
    assert example.facts == {"prompt": "", "test": "import math\nassert f(1.5) == 2"}
    assert passes(example, example.target) == 1
    [example] = read([row]).splits["test"]
    assert passes(example, example.target) == 0


def test_packages_train_and_choose_and_humaneval_tests(tmp_path: Path) -> None:
    for i, name in enumerate(("trees", "shelves")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text(PACKAGE.format(name, i + 1))
    (tmp_path / "humaneval.jsonl").write_text(json.dumps(HUMANEVAL) + "\n")
    source = f"file:{tmp_path}/trees + file:{tmp_path}/shelves + file:{tmp_path}/humaneval.jsonl"
    parts = {"train": "trees", "validation": "shelves", "test": "humaneval.jsonl"}
    corpus = loading.load("code_generation", Path(), None, source=source, **parts)
    assert {split: len(examples) for split, examples in corpus.dataset.splits.items()} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }
    assert corpus.dataset.notes == ["validation is 1 of 2 functions: the others have no test"]
    [shelf] = corpus.dataset.splits["validation"]
    assert passes(shelf, shelf.target) == 1
    assert passes(shelf, "    return x") == 0


def test_the_answer_goes_on_where_the_prompt_ends() -> None:
    dataset = read([{"prompt": "p", "solution": "s", "test": "t"}], max_new_tokens=9)
    assert dataset.separator == ""
    assert dataset.search.max_new_tokens == 9


def test_samples_are_drawn() -> None:
    row = {"prompt": "p", "solution": "s", "test": "t"}
    search = read([row], temperature=0.2, samples=20).search
    assert "drawn|temperature:0.2|top-k:50|seed:0|samples:20" in search.signature
    assert "greedy" in read([row]).search.signature
    with pytest.raises(RecipeError, match=r"options: 2 samples at temperature 0\.0: several samples need a"):
        read([row], samples=2)
    with pytest.raises(RecipeError, match=r"options: temperature 0\.5 with 3 beams: .* and no beam search"):
        read([row], temperature=0.5, num_beams=3)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"prompt": ""}, "x.jsonl:1: prompt should be a non-empty text, got ''"),
        ({"solution": None}, "x.jsonl:1: solution should be a non-empty text, got 'None'"),
        ({"test": 5}, "x.jsonl:1: test should be a non-empty text, got '5'"),
        ({"test": "def check(f):\n    pass"}, "x.jsonl:1: entry_point should be a non-empty text, got 'None'"),
        ({"tests": "assert f(1)"}, "x.jsonl:1: tests should be a list of texts, got 'assert f(1)'"),
        ({"tests": [1]}, "x.jsonl:1: tests should be a list of texts, got '[1]'"),
        ({"tests": ["assert f(1)"], "setup": [None]}, "x.jsonl:1: setup should be a list of texts"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(row: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError, match=re.escape(why)):
        read([{"prompt": "p", "solution": "s", **row}])


@pytest.mark.parametrize("method", ["full", "lora", "bottleneck", "prefix"])
def test_recipes_differ_from_the_task_in_the_method_alone(method: str) -> None:
    recipe = load_recipe(PROJECT / "recipes" / "code_generation.yaml", method=method)
    # The seed is that of train.max_examples, which the recipe sets.
    assert recipe.data == DataSection(**TASK.defaults["data"], seed=0)


def test_a_trial_runs_what_the_model_and_the_baseline_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    gguf_files.write(tmp_path / "tiny.gguf", tiny.causal_lm("llama", vocab_size=gguf_files.PIECES))
    loaded(tmp_path, HUMANEVAL)
    raw = {
        "task": "code_generation",
        "model": {"name": f"file:{tmp_path / 'tiny.gguf'}"},
        "data": {"source": f"file:{tmp_path / 'x.jsonl'}"},
        "options": {"max_new_tokens": 21, "temperature": 1.0, "samples": 2},
        "method": {"name": "lora"},
        "train": {"epochs": 1, "batch_size": 8, "max_length": 60, "precision": "fp32", "threads": 1},
    }
    path = run.run(resolve(raw, name="lora_code_generation"), tmp_path / "out")
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    assert result["headline"] == "pass_at_1"
    assert result["metrics"]["validation"].keys() == result["metrics"]["test"].keys() == {"pass_at_1"}
    assert result["metrics"]["test"]["pass_at_1"]["value"] == 0  # nothing can be learned in five steps
    assert "|python:3." in result["metrics"]["test"]["pass_at_1"]["signature"]
    assert "|seed:0|samples:2|new:21|" in result["metrics"]["test"]["pass_at_1"]["signature"]
    assert [len(sample["prediction"]["samples"]) for sample in result["samples"]] == [2] * len(result["samples"])
    assert result["baselines"]["nearest_answer"]["pass_at_1"]["value"] == 1  # all have the same body
