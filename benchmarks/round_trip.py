"""The time of the round trip relative to predicting the same test split, in one process, without imports.

    python -m benchmarks.round_trip [--repeats 5] [--recipes ner topic] [--epochs 0.1] [--processor-seconds]

A short trial is trained and saved. Then a separate process verifies it repeatedly: the time to read, build, load and
predict is divided by the time of the prediction in it. The first time, which includes imports, does not count. "Alone"
is the whole `pefbench verify`, including process start. Goal: at most 1.3 without imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import _table
from pefbench.paths import PROJECT, child_command, child_environment

GOAL = 1.3
CHILD = """
import json, sys, time
from pathlib import Path
from pefbench.cli._terminal import hush_libraries
hush_libraries()
from pefbench.trial import round_trip
clock = time.process_time if "--processor-seconds" in sys.argv else time.perf_counter
predict, taken = round_trip.predict, []
def timed(*given, **named):
    started = clock()
    found = predict(*given, **named)
    taken.append(clock() - started)
    return found
round_trip.predict = timed
found = []
for _ in range(int(sys.argv[2]) + 1):
    started = clock()
    round_trip.verify(Path(sys.argv[1]))
    found.append([clock() - started, taken[-1]])
print(json.dumps(found[1:]))
"""


def main() -> None:
    """Train, verify, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--recipes", nargs="+", default=["ner", "topic"])
    parser.add_argument("--epochs", type=float, default=0.1)
    _table.add_clock(parser)
    parsed = parser.parse_args()
    rows = [row(name, parsed.epochs, parsed.repeats, _table.option(parsed)) for name in parsed.recipes]
    header = ["Recipe", "Round trip / prediction, beyond imports", "Alone / prediction", "Goal"]
    command = f"python -m benchmarks.round_trip --repeats {parsed.repeats} --recipes {' '.join(parsed.recipes)}"
    command += _table.option(parsed)
    _table.write("round trip", header, rows, command)


def row(name: str, epochs: float, repeats: int, clock: str) -> list[str]:
    """One recipe's ratios."""
    with tempfile.TemporaryDirectory() as out:
        recipe = str(PROJECT / "recipes" / f"{name}.yaml")
        _run(*child_command("run", recipe, "--method", "lora", "-o", f"train.epochs={epochs}", "--out", out))
        [folder] = [path.with_suffix("") for path in Path(out).glob("*/*.json")]
        found = json.loads(
            _run(sys.executable, "-c", CHILD, str(folder), str(repeats), *clock.split()).splitlines()[-1]
        )
        alone = [_whole(*child_command("verify", str(folder)), processor=bool(clock)) / part for _, part in found]
    return [name, _table.spread([whole / part for whole, part in found]), _table.spread(alone), f"at most {GOAL}"]


def _whole(*command: str, processor: bool) -> float:
    """The wall-clock or processor seconds of a process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _run(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used if processor else time.perf_counter() - started


def _run(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=PROJECT, env=child_environment())
    return done.stdout


if __name__ == "__main__":
    main()
