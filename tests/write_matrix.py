"""Write pefbench/methods/_matrix.json from what the tiny models do: `make matrix`. A bug in a cell ends it."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

from pefbench.methods._matrix import FILE, Matrix, render
from pefbench.registry import names
from pefbench.results.store import write_json
from tests.grid import attempt, cell, heads, write_base
from tests.tiny import GRID as EVERY


def main() -> None:
    """Try every cell; write the grid when each works or is refused."""
    found: Matrix = {"heads": {name: heads(name) for name in EVERY}, "methods": names("method"), "refused": {}}
    bugs = 0
    with tempfile.TemporaryDirectory() as scratch:
        for architecture, its_heads in found["heads"].items():
            for head in its_heads:
                bugs += _column(found, architecture, head, Path(scratch, architecture, head))
    if bugs:
        sys.exit(f"{bugs} cells neither work nor are refused; {FILE} is as it was")
    write_json(FILE, found)
    sys.stdout.write(f"{render(found)}\n")


def _column(found: Matrix, architecture: str, head: str, folder: Path) -> int:
    """Try every method on one model; return the number of bugs."""
    chosen, bugs = cell(architecture, head), 0
    write_base(chosen, folder / "base")
    for method in sys.argv[1:] or found["methods"]:
        try:
            why = attempt(method, chosen, folder / "base", folder / method)
        except Exception:  # noqa: BLE001 - whatever it is, it is a bug, and the other cells are tried too
            traceback.print_exc()
            sys.stderr.write(f"^^^ {method} on {architecture} {head}\n")
            bugs += 1
            continue
        if why:
            found["refused"].setdefault(method, {}).setdefault(architecture, {})[head] = why
    return bugs


if __name__ == "__main__":
    main()
