"""Writes small files in the formats of lm-evaluation-harness and PEFT's method comparison."""

from __future__ import annotations

import hashlib
import json
import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DATE = "2025-06-19T19-15-35.123456"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sample(number: int, scores: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """One line of a log, as 0.4.8 and later write it; a field that is changed to ... is left out."""
    line: dict[str, Any] = {
        "doc_id": number,
        "doc": {"question": f"How much is {number} + 1?"},
        "target": str(number + 1),
        "arguments": {"gen_args_0": {"arg_0": f"How much is {number} + 1?", "arg_1": {}}},
        "resps": [[f"It is {number + 1}"]],
        "filtered_resps": [str(number + 1)],
        "filter": "none",
        "metrics": list(scores),
        "doc_hash": sha(f"question {number}"),
        "prompt_hash": sha(f"prompt {number}"),
        "target_hash": sha(str(number + 1)),
        **scores,
        **changes,
    }
    return {name: value for name, value in line.items() if value is not ...}


def samples(right: Sequence[float], metric: str = "acc", **changes: Any) -> list[dict[str, Any]]:
    """A log with one metric, whose value on each question is given."""
    return [sample(number, {metric: value}, **changes) for number, value in enumerate(right)]


def aggregated(task: str, scores: Mapping[str, Any], questions: int, **changes: Any) -> dict[str, Any]:
    """A results file. scores: by metric and filter, as in ``acc,none``; a field that is changed to ... is left out."""
    names = {name.partition(",")[0] for name in scores}
    value: dict[str, Any] = {
        "results": {task: {"alias": task, **scores}},
        "group_subtasks": {task: []},
        "configs": {task: {"task": task, "dataset_path": "some/data", "test_split": "test"}},
        "versions": {task: 3.0},
        "n-shot": {task: 5},
        "higher_is_better": {task: {name: True for name in names if not name.endswith("_stderr")}},
        "n-samples": {task: {"original": 1319, "effective": questions}},
        "config": {
            "model": "hf",
            "model_args": "pretrained=base/model,peft=my/adapter",
            "model_dtype": "torch.bfloat16",
        },
        "date": 1750360535.5,
        "lm_eval_version": "0.4.9",
        "model_name": "my/adapter",
        **changes,
    }
    return {name: each for name, each in value.items() if each is not ...}


def stderr(values: Sequence[float]) -> float:
    """The standard error of a mean, as the harness computes it."""
    mean = fmean(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def evaluation(
    folder: Path,
    right: Sequence[float],
    *,
    task: str = "gsm8k",
    model: str = "my/adapter",
    date: str = DATE,
    **changes: Any,
) -> Path:
    """Write an evaluation, results and log, in the harness's layout; return its folder."""
    here = folder / model.replace("/", "__")
    scores = {"acc,none": fmean(right), "acc_stderr,none": stderr(right)}
    write_json(here / f"results_{date}.json", aggregated(task, scores, len(right), model_name=model, **changes))
    write_lines(here / f"samples_{task}_{date}.jsonl", samples(right))
    return here


def comparison(accuracy: float, **changes: Any) -> dict[str, Any]:
    """A result file of PEFT's benchmark. changes: dotted paths, with underscores doubled, to values; ... leaves out."""
    value: dict[str, Any] = {
        "run_info": {
            "created_at": "2025-06-19T19:15:35+00:00",
            "total_time": 1990.0,
            "experiment_name": "lora/small-rank32",
            "peft_branch": "main",
            "train_config": {
                "model_id": "some/model-3B",
                "dtype": "bfloat16",
                "max_seq_length": 768,
                "batch_size": 4,
                "max_steps": 500,
                "query_template": "{query}",
                "seed": 0,
                "optimizer_type": "AdamW",
                "optimizer_kwargs": {"lr": 1e-4},
                "lr_scheduler": "cosine",
                "generation_kwargs": {"max_new_tokens": 300},
            },
            "peft_config": {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 32, "target_modules": ["q_proj"]},
            "error_msg": "",
        },
        "train_info": {
            "accelerator_memory_max": 22_000_000_000,
            "train_time": 1796.0,
            "file_size": 36_000_000,
            "num_trainable_params": 9_000_000,
            "num_total_params": 3_000_000_000,
            "status": "success",
            "metrics": [
                {"step": 250, "valid accuracy": 0.42, "train samples": 1000, "train time": 30.0, "eval time": 11.0},
                {"step": 500, "valid accuracy": 0.46, "train samples": 2000, "train time": 32.0, "eval time": 11.0},
                {"step": 500, "test accuracy": accuracy, "train samples": 2000, "train total tokens": 400_000},
            ],
        },
        "meta_info": {
            "model_info": {"sha": "13afe512", "created_at": "2024-09-18T15:23:48+00:00"},
            "dataset_info": {"metamath": {"sha": "aa4f34d3"}, "gsm8k": {"sha": "e53f0488"}},
            "package_info": {"peft-version": "0.15.2", "peft-commit-hash": None, "torch-version": "2.7.1"},
            "system_info": {"system": "Linux", "gpu": "Some GPU"},
        },
    }
    for path, change in changes.items():
        *above, name = path.split("__")
        at = value
        for each in above:
            at = at[each]
        if change is ...:
            del at[name]
        else:
            at[name] = change
    return value


def write_json(path: Path, value: object) -> Path:
    """Write a JSON file, with the folders above it; NaN as Python's json writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf8")
    return path


def write_lines(path: Path, values: Sequence[object]) -> Path:
    """Write a JSONL file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values), encoding="utf8")
    return path
