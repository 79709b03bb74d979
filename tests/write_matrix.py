"""`make matrix`: tries every method on tiny models and writes pefbench/methods/_matrix.json, unless a cell has a bug.

Columns of the grid run in two processes. Each is saved when it is finished, so the same command resumes after an
interruption, unless pefbench or the tests' models have changed.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import torch

from pefbench.atomic import write_json
from pefbench.cli._matrix import FILE, Matrix, render
from pefbench.paths import PROJECT
from pefbench.registry import names
from pefbench.results.provenance import code_digest
from tests.grid import attempt, cell, heads, write_base
from tests.tiny import GRID as EVERY

PROCESSES = 2
Refusals = dict[str, str | None]
"""Method -> why it is refused, or None where it works."""


def main() -> None:
    """Try every cell; write the grid if each works or is refused."""
    found: Matrix = {"heads": {name: heads(name) for name in EVERY}, "methods": names("method"), "refused": {}}
    columns = [(architecture, head) for architecture, its_heads in found["heads"].items() for head in its_heads]
    started = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    bugs = 0
    with ProcessPoolExecutor(PROCESSES, started, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for (architecture, head), column in zip(columns, pool.map(_column, columns), strict=True):
            bugs += len(found["methods"]) - len(column)
            for method, why in column.items():
                if why:
                    found["refused"].setdefault(method, {}).setdefault(architecture, {})[head] = why
            sys.stderr.write(f"{architecture} {head}: {len(column)} methods\n")
    if bugs:
        sys.exit(f"{bugs} cells neither work nor are refused; {FILE} is as it was")
    write_json(FILE, found)
    sys.stdout.write(f"{render(found)}\n")


def _column(place: tuple[str, str]) -> Refusals:
    """Try every method on one model, or read the outcome of an earlier run; cells with a bug are missing."""
    done = PROJECT / "build" / "matrix" / _version() / f"{'-'.join(place)}.json"
    if done.exists():
        kept: Refusals = json.loads(done.read_text(encoding="utf8"))
        return kept
    chosen, column = cell(*place), Refusals()
    with tempfile.TemporaryDirectory() as scratch:
        write_base(chosen, Path(scratch, "base"))
        for method in names("method"):
            try:
                column[method] = attempt(method, chosen, Path(scratch, "base"), Path(scratch, method))
            except Exception:  # noqa: BLE001 - any exception is a bug; the other cells are still tried
                traceback.print_exc()
                sys.stderr.write(f"^^^ {method} on {' '.join(place)}\n")
    if len(column) == len(names("method")):
        write_json(done, column)
    return column


@cache
def _version() -> str:
    """A digest of everything that a cell depends on: pefbench's code and the tests' models."""
    models = b"".join((PROJECT / "tests" / name).read_bytes() for name in ("grid.py", "tiny.py", "tokenizers.py"))
    return hashlib.sha256(code_digest().encode() + models).hexdigest()[:16]


if __name__ == "__main__":
    main()
