"""A comparison of 12 short trials against the sum of their training and scoring, and against 12 processes, alternating.

    python -m benchmarks.short_trials [--repeats 5] [--examples 400] [--alone 12]
                                      [--processor-seconds]

The comparison is `pefbench compare`: three methods at two learning rates, the better of each with two seeds on test.
Training and scoring are the phases train, validate and evaluate of its trials. The 12 processes are `pefbench run` on
the same recipes, one after the other. With `--alone` below 12, only that many run, spread over the methods, and their
mean is used for all. Goals: at most 1.05 times the sum, .5 times the processes.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from benchmarks import _table
from pefbench.paths import PROJECT, child_command, child_environment

GOALS = (1.05, 0.5)
TRIALS = 12
PR_SET_CHILD_SUBREAPER = 36
"""Makes Linux give this process the orphaned children of its descendants."""
METHODS = {
    "lora": {"method": {"name": "lora"}, "search": {"train.learning_rate": [1e-3, 1e-2]}},
    "bottleneck": {"method": {"name": "bottleneck"}, "search": {"train.learning_rate": [1e-3, 1e-2]}},
    "bitfit": {"method": {"name": "bitfit"}, "search": {"train.learning_rate": [1e-3, 1e-2]}},
}


def main() -> None:
    """Alternate, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--alone", type=int, default=TRIALS)
    _table.add_clock(parser)
    parsed = parser.parse_args()
    processor = parsed.processor_seconds
    if processor:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    against_sum, against_processes = [], []
    for _ in range(parsed.repeats):
        whole, trials = comparison(parsed.examples, processor=processor)
        work = sum(worked(trial, processor=processor) for trial in trials)
        chosen = trials[:: max(1, TRIALS // parsed.alone)][: parsed.alone]
        apart = TRIALS * statistics.mean(alone(trial, processor=processor) for trial in chosen)
        against_sum.append(whole / work)
        against_processes.append(whole / apart)
        print(f"comparison {whole:.1f} s, training and scoring {work:.1f} s, processes {apart:.1f} s", file=sys.stderr)
    rows = [
        ["training and scoring of its trials", _table.spread(against_sum), f"at most {GOALS[0]}"],
        [
            "as many processes" + (f" (by {parsed.alone} of them)" if parsed.alone < TRIALS else ""),
            _table.spread(against_processes),
            f"at most {GOALS[1]}",
        ],
    ]
    command = f"python -m benchmarks.short_trials --repeats {parsed.repeats} --examples {parsed.examples}"
    command += f" --alone {parsed.alone}{_table.option(parsed)}"
    _table.write("short trials", [f"A comparison of {TRIALS} trials /", "Median", "Goal"], rows, command)


def comparison(examples: int, *, processor: bool) -> tuple[float, list[dict[str, Any]]]:
    """The seconds of a comparison, and the results of its trials."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "short.yaml", Path(folder) / "results"
        plan = {
            "recipe": str(PROJECT / "recipes" / "ner.yaml"),
            "trials": 2,
            "tuning_seeds": [0],
            "seeds": [0, 1],
            "methods": METHODS,
        }
        file.write_text(yaml.safe_dump(plan), encoding="utf8")
        short = [f"train.max_examples={examples}", "train.epochs=1", *(["train.threads=1"] if processor else [])]
        options = [part for value in short for part in ("-o", value)]
        seconds = _run(*child_command("compare", str(file), *options, "--out", str(out)), processor=processor)
        found = [json.loads(path.read_text(encoding="utf8")) for path in sorted(out.rglob("*.json"))]
        trials = [each for each in found if "recipe" in each and "phases" in each]
        trials.sort(key=lambda trial: (trial["recipe"]["method"]["name"], "test" in trial["metrics"]))
        if len(trials) != TRIALS:
            raise SystemExit(f"{len(trials)} trials, not {TRIALS}")
        return seconds, trials


def worked(trial: dict[str, Any], *, processor: bool) -> float:
    """The seconds of training and scoring of a trial."""
    phases, kind = trial["phases"], "processor_seconds" if processor else "seconds"
    return sum(float(phases[name][kind]) for name in ("train", "validate", "evaluate") if name in phases)


def alone(trial: dict[str, Any], *, processor: bool) -> float:
    """The seconds of a separate process for the same recipe."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = {name: value for name, value in trial["recipe"].items() if name != "name"}
        file = Path(folder) / "alone.yaml"
        file.write_text(yaml.safe_dump(recipe), encoding="utf8")
        return _run(*child_command("run", str(file), "--out", folder), processor=processor)


def _run(*command: str, processor: bool) -> float:
    """The wall-clock seconds of a process, or the processor seconds of it and all that it started."""
    before, started = _used(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=child_environment())
    seconds = time.perf_counter() - started
    if not processor:
        return seconds
    with suppress(ChildProcessError):
        while True:
            os.wait()  # processes that check round trips end after those that started them
    return _used() - before


def _used() -> float:
    """The processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
