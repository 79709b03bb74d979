"""By how much each method beats `head_only` on the same test examples: a paired bootstrap of the difference.

    python benchmarks/against_head_only.py RESULTS

RESULTS is a folder that `pefbench run --out RESULTS` wrote; the script reads the predictions beside the results. It
compares trials on the same task and data set; each seed or learning rate of a method is a separate row.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from pefbench.metrics import make
from pefbench.results.store import load_results

RESAMPLES = 4000


def rows(path: Path, artifacts: Any) -> list[dict[str, Any]]:
    """The rows of a trial's predictions file."""
    lines = (path.parent / artifacts["predictions"]).read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


def main(folder: Path) -> None:
    """Print value, difference and its 95 % interval for each trial beside its task's `head_only`."""
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for stored in load_results(folder).results:
        artifacts = stored.result.get("artifacts")
        if artifacts and (stored.path.parent / str(artifacts["predictions"])).exists():  # results alone may be copied
            groups[stored.result["recipe"]["task"], stored.result["data"]["fingerprint"]].append(stored)
    for (task, _), trials in sorted(groups.items()):
        floor = next((each for each in trials if each.result["recipe"]["method"]["name"] == "head_only"), None)
        if floor is None:
            continue
        name = floor.result["recipe"]["evaluate"]["metrics"][0]
        metric = make(name)
        references = [row["reference"] for row in rows(floor.path, floor.result["artifacts"])]
        draws = np.random.default_rng(0).multinomial(
            len(references), [1 / len(references)] * len(references), RESAMPLES
        )

        def values(trial: Any, metric: Any = metric, references: Any = references, draws: Any = draws) -> Any:
            found = rows(trial.path, trial.result["artifacts"])
            if [row["reference"] for row in found] != references:
                raise ValueError(f"{trial.path}: other test examples than head_only's")
            predictions = [row["prediction"] for row in found]
            return metric.weighted(*metric.take(predictions, references))(draws)[metric.headline]

        base = values(floor)
        for trial in trials:
            if trial is not floor:
                difference = values(trial) - base
                low, high = np.percentile(difference, [2.5, 97.5])
                value = trial.result["metrics"]["test"][metric.headline]["value"]
                gain = value - floor.result["metrics"]["test"][metric.headline]["value"]
                print(f"{task}  {trial.result['recipe']['name']:24} {value:.3f}  {gain:+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
