"""Math reasoning: training on MetaMathQA, testing on GSM8K, with the prompt and draws of PEFT's benchmark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import datasets
import numpy as np
import pytest

from pefbench.errors import DataError
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe, resolve
from pefbench.results import store
from pefbench.sources import BadRows, Row
from pefbench.tasks.math_reasoning import TASK
from pefbench.trial import corpus, run
from tests import gguf_files, tiny

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads.generation import GenerationDataset

OPTIONS = TASK.options().model_dump()


def problems(count: int, form: str = "#### {}") -> list[tuple[str, str]]:
    """Return problems, the first "What is 0 and 1?", with their solutions."""
    return [(f"What is {i} and 1?", f"{i} and 1 is {i + 1}. " + form.format(i + 1)) for i in range(count)]


def write_metamath(file: Path, count: int) -> None:
    """Write problems as MetaMathQA has them."""
    rows = [
        {"type": "GSM_Rephrased", "query": question, "original_question": "What?", "response": solution}
        for question, solution in problems(count, "The answer is: {}")
    ]
    datasets.Dataset.from_list(rows).to_parquet(file)


def write_gsm8k(folder: Path, **counts: int) -> None:
    """Write problems as the hub's GSM8K has them: two configurations of two splits."""
    folder.mkdir()
    configs = [
        {"config_name": name, "data_files": [{"split": split, "path": f"{split}.parquet"} for split in counts]}
        for name in ("main", "socratic")
    ]
    (folder / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")
    for split, count in counts.items():
        rows = [{"question": f"{split}: {question}", "answer": solution} for question, solution in problems(count)]
        datasets.Dataset.from_list(rows).to_parquet(folder / f"{split}.parquet")


def read(train: list[tuple[str, str]], scored: list[tuple[str, str]], **options: Any) -> GenerationDataset:
    def rows(made: list[tuple[str, str]]) -> list[Row]:
        return [Row({"question": q, "solution": s}, "x.jsonl", i) for i, (q, s) in enumerate(made, 1)]

    splits = {"train": rows(train), "validation": rows(scored), "test": rows(scored)}
    return cast("GenerationDataset", TASK.read(splits, BadRows(), **OPTIONS | options))


def test_the_prompt_is_the_benchmarks_and_no_chat_template_is_used() -> None:
    made = read(problems(1), problems(1))
    [example] = made.splits["train"]
    assert example.prompt == "Question: What is 0 and 1? Think step by step.\nAnswer:"
    assert example.target == "0 and 1 is 1. #### 1"
    assert (made.separator, made.chat, made.search.max_new_tokens) == ("", False, 300)


def test_long_problems_are_not_learned_but_scored() -> None:
    question, solution = problems(1)[0]
    limit = len(f"{question} {solution}")
    longer = [(question + "?", solution)]
    assert len(read([(question, solution), *longer], longer, max_characters=limit).splits["train"]) == 1
    made = read([(question, solution), *longer], longer, max_characters=limit)
    assert len(made.splits["test"]) == 1
    assert made.notes == [f"left out 1 training problem of more than {limit} characters"]
    assert len(read(longer, longer, max_characters=None).splits["train"]) == 1


def test_validation_is_drawn_as_the_benchmark_draws_it() -> None:
    """It shuffles all numbers by NumPy's global generator, seeded with 0, and takes the first 50."""
    made = read(problems(1), problems(200), validated=50)
    state = np.random.get_state()
    np.random.seed(0)
    numbers = np.arange(200)
    np.random.shuffle(numbers)
    np.random.set_state(state)
    assert [each.target for each in made.splits["validation"]] == [problems(200)[i][1] for i in numbers[:50]]
    assert len(made.splits["test"]) == 200


def test_a_scored_solution_needs_a_final_answer() -> None:
    unanswered = [("What?", "I do not know.")]
    assert len(read(unanswered, problems(1)).splits["train"]) == 1
    with pytest.raises(DataError, match=r"x\.jsonl:1: solution should be a text with a final answer: .*'#### X'"):
        read(problems(1), unanswered)


def test_the_recipe_reads_both_data_sets(tmp_path: Path) -> None:
    (tmp_path / "MetaMathQA").mkdir()
    write_metamath(tmp_path / "MetaMathQA" / "train.parquet", 30)
    write_gsm8k(tmp_path / "gsm8k", train=60, test=20)
    file = PROJECT / "recipes" / "hub" / "metamath_gsm8k.yaml"
    named = load_recipe(file)
    parts = [f"data.{split}={getattr(named.data, split)}" for split in ("train", "validation", "test")]
    recipe = load_recipe(file, [f"data.source=hf:{tmp_path}/MetaMathQA + hf:{tmp_path}/gsm8k", *parts])
    assert (recipe.train.max_examples, recipe.train.batch_size) == (20000, 4)  # 5,000 steps
    splits = corpus.load(recipe).dataset.splits
    assert {split: len(examples) for split, examples in splits.items()} == {"train": 30, "validation": 50, "test": 20}
    assert splits["train"][0].target.endswith("The answer is: 1")
    assert splits["test"][0].prompt.startswith("Question: test: What is 0 and 1?")


def test_a_model_learns_to_say_an_answer(tmp_path: Path) -> None:
    """A tiny decoder learns one answer by heart: the metric, the predictions and the baseline see it."""
    model = tiny.model("llama", vocab_size=gguf_files.PIECES, max_position_embeddings=160)
    gguf_files.write(tmp_path / "tiny.gguf", model)
    for name, count in (("train", 24), ("validation", 4), ("test", 4)):
        rows = [{"query": f"{name} {i}?", "response": "The answer is: 7"} for i in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parts = {name: f"{name}.jsonl" for name in ("train", "validation", "test")}
    raw: dict[str, Any] = {
        "task": "math_reasoning",
        "model": {"name": f"file:{tmp_path}/tiny.gguf"},
        "data": {"source": f"file:{tmp_path}", **parts},
        "options": {"max_new_tokens": 20},
        "method": {"name": "full"},
        "train": {"epochs": 60, "batch_size": 24, "micro_batch_size": None, "learning_rate": 0.03, "max_length": 120},
    }
    raw["train"] |= {"threads": 1, "precision": "fp32"}
    path = run.run(resolve(raw, name="math"), tmp_path / "results")
    result = store.read_result(path)
    assert result["metrics"]["test"]["final_answer_accuracy"]["value"] == 1.0
    assert "search:greedy|new:20" in result["metrics"]["test"]["final_answer_accuracy"]["signature"]
    lines = (path.with_suffix("") / "predictions.jsonl").read_text(encoding="utf8").splitlines()
    assert [json.loads(line)["correct"] for line in lines] == [True] * 4
