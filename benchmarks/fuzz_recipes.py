"""Thousands of damaged recipes: each must load or fail with one line; those that load are also checked as by `run`.

    python -m benchmarks.fuzz_recipes [--count 1600] [--seed 0] [--checked 200]

First, `count` mutations of the recipes in `recipes/` are loaded. Then `pefbench run --check-only` checks `checked`
mutations of a small recipe, with data and a model beside it. Every traceback is printed once, with the seed and the
number of its mutation; the exit status is 1 if there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import traceback
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from accelerate.state import AcceleratorState

from pefbench.cli.main import main as pefbench
from pefbench.errors import LONGEST, UserError
from pefbench.recipe import load_recipe
from tests.mutated_recipes import mutated
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def main() -> None:
    """Try all and print the tracebacks and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("count", 1600), ("seed", 0), ("checked", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "fuzzed.yaml")
        bugs = tried("load", mutated(parsed.seed, parsed.count), file, load)
        world = World(Path(folder)).recipe().read_text(encoding="utf8")
        bugs += tried("run --check-only", islice(loading(parsed.seed, world, file), parsed.checked), file, check)
    sys.exit(1 if bugs else 0)


def tried(what: str, contents: Iterable[bytes], file: Path, trial: Callable[[Path], str]) -> int:
    """Write each content to the file and try it; return the number of tracebacks."""
    ends: Counter[str] = Counter()
    seen = set()
    for number, content in enumerate(contents):
        file.write_bytes(content)
        try:
            ends[trial(file)] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug, and the others are tried too
            ends["traceback"] += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            if (place.filename, place.lineno) not in seen:
                seen.add((place.filename, place.lineno))
                traceback.print_exc()
                print(f"^^^ {what}, number {number}: {content[:2000]!r}", file=sys.stderr)
    print(f"{what}: {', '.join(f'{count} {end}' for end, count in sorted(ends.items()))}")
    return ends["traceback"]


def load(file: Path) -> str:
    """Load a recipe; return the outcome. Raises everything except a UserError of one short line."""
    message = None
    try:
        json.dumps(load_recipe(file).resolved(), allow_nan=False)
    except UserError as error:
        message = str(error)
    assert message is None or (len(message) <= LONGEST and message.isprintable()), message
    return "valid" if message is None else "refused"


def loading(seed: int, original: str, file: Path) -> Iterable[bytes]:
    """An endless stream of mutations that are still valid recipes; the others fail without data."""
    while True:
        for content in mutated(seed, 1000, original, most_faults=2):
            file.write_bytes(content)
            if load(file) == "valid":
                yield content
        seed += 1


def check(file: Path) -> str:
    """Give a recipe to `pefbench run --check-only`; return the outcome. Raises unless the exit status is 0 or 2."""
    said, status = io.StringIO(), None
    AcceleratorState._reset_state(reset_partial_state=True)  # each command is a process of its own
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            pefbench(["run", str(file), "--check-only", "--out", str(file.parent / "out")])
    except SystemExit as end:
        status = end.code
    errors = [line for line in said.getvalue().splitlines() if line.startswith("error: ")]
    assert (status, len(errors)) in {(0, 0), (2, 1)}, said.getvalue()
    return "refused" if status else "valid"


if __name__ == "__main__":
    main()
