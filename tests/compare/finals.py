"""Final trials with made-up predictions, stored like those of `pefbench run`, without training."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from pefbench.compare.plan import FINAL, TUNING, Outcome
from tests.sample_results import sample, store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.compare.file import Pscp
    from pefbench.compare.plan import Plan


def plan(
    methods: Sequence[str], seeds: Sequence[int], metrics: Sequence[str] = ("accuracy",), pscp: Pscp | None = None
) -> Plan:
    """Return a plan of these methods, two rates each."""
    rates = [{"train.learning_rate": 0.001}, {"train.learning_rate": 0.01}]
    recipe = SimpleNamespace(
        task="topic", model=SimpleNamespace(name="file:m"), evaluate=SimpleNamespace(metrics=list(metrics))
    )
    comparison = SimpleNamespace(
        name="c",
        methods={name: SimpleNamespace(method={"name": name}) for name in methods},
        seeds=list(seeds),
        margin=None,
        tuning_seeds=[0],
        trials=2,
        compute=None,
        search=None,
        pscp=pscp,
    )
    found: Any = SimpleNamespace(
        comparison=comparison,
        seeds=list(seeds),
        looks=[len(seeds)],
        counts_settings=True,
        settings=dict.fromkeys(methods, rates),
        tuning=lambda: [SimpleNamespace(recipe=recipe)],
        left=lambda _: 0,
        spent=lambda _: 2400,
    )
    return cast("Plan", found)


def final(
    out: Path,
    method: str,
    seed: int,
    predictions: Sequence[Any],
    references: Sequence[Any],
    value: float,
    *,
    metric: str = "accuracy",
    **changes: Any,
) -> Outcome:
    """Write a final trial's result and predictions; return its outcome."""
    dotted = {path.replace("__", "."): change for path, change in changes.items()}
    result = sample(method, method, value=value, seed=seed, changes=dotted)
    whole: Any = result
    whole["recipe"]["evaluate"] = {"metrics": [metric]}
    for split in ("validation", "test"):
        whole["metrics"][split] = {metric: {**whole["metrics"][split]["entity_f1"], "value": value}}
    whole["headline"] = metric
    whole["artifacts"]["predictions"] = f"{result['id']}/predictions.jsonl"
    stored = store(out, result)
    file = stored.path.parent / result["id"] / "predictions.jsonl"
    file.parent.mkdir(parents=True)
    rows = [
        {"id": i, "prediction": given, "reference": right, "correct": given == right}
        for i, (given, right) in enumerate(zip(predictions, references, strict=True))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    planned: Any = SimpleNamespace(
        method=method, setting=0, seed=seed, scored=FINAL, text=f"final {method}, seed {seed}"
    )
    return Outcome(planned, stored.path, "finished", result)


def tuning(method: str, setting: int, value: float, path: Path) -> Outcome:
    """Return a tuning trial's outcome."""
    result = sample(method, method, value=value - 0.01)
    whole: Any = result
    whole["metrics"]["validation"]["accuracy"] = whole["metrics"]["validation"]["entity_f1"]
    planned: Any = SimpleNamespace(method=method, setting=setting, seed=0, scored=TUNING, text="tuning")
    return Outcome(planned, path, "finished", result)
