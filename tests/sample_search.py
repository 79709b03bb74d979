"""Sample records of a search."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.results.search_schema import SCHEMA

if TYPE_CHECKING:
    from pefbench.results.search_schema import Found, Tried

EPOCHS = 3
RANKS = (2, 4, 8, 16)


def tried(number: int, rate: float, rank: int, *, stopped: bool = False) -> Tried:
    """One tried setting; scores are best at a rate of 1e-3."""
    score = 0.6 - (math.log10(rate) + 3) ** 2 / 5 + rank / 200
    evaluations = [score * (epoch + 1) / EPOCHS for epoch in range(1 if stopped else EPOCHS)]
    return {
        "number": number,
        "setting": {"train.learning_rate": rate, "method.rank": rank},
        "status": "stopped" if stopped else "finished",
        "error": None,
        "evaluations": evaluations,
        "value": None if stopped else evaluations[-1],
        "examples": 200 * len(evaluations),
    }


def searched(settings: int = 12) -> Found:
    """A search over LoRA's learning rate and rank, with every third setting stopped early."""
    trials = [
        tried(number, 10 ** -(2 + 2 * ((number * 7) % settings) / settings), RANKS[number % 4], stopped=number % 3 == 2)
        for number in range(settings)
    ]
    best = max((trial for trial in trials if trial["value"] is not None), key=lambda trial: trial["value"] or 0)
    ways = {"train.learning_rate": {"log_uniform": [1e-4, 1e-2]}, "method.rank": {"choice": [*RANKS]}}
    return {
        "schema": SCHEMA,
        "command": "pefbench search lora_ner",
        "metric": "entity_f1",
        "higher_is_better": True,
        "sampler": "tpe",
        "pruner": "asha",
        "methods": {
            "lora": {
                "name": "lora_ner",
                "space": ways,
                "study": "lora_ner-12345678",
                "trials": trials,
                "importance": {"method.rank": 0.12, "train.learning_rate": 0.88},
            }
        },
        "seeds": [0, 1],
        "race": [],
        "named": {"method": "lora", "setting": best["setting"], "results": []},
    }
