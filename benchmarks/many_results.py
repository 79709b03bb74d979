"""How long `pefbench table` takes on many results, with real files and a new process.

Prints wall-clock and processor seconds: on a busy machine only the latter show what the program needs.

    python benchmarks/many_results.py [FILES]

The committed results are copied under new ids and seeds until there are FILES of them (10,000).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from pefbench.paths import PROJECT
from pefbench.results.store import load_results

ROOT = PROJECT


def write(folder: Path, count: int) -> int:
    """Write `count` results and return their size in bytes."""
    size = 0
    for number, stored in enumerate(islice(cycle(load_results(ROOT / "results" / "baseline").results), count)):
        result = json.loads(json.dumps(stored.result))
        result["id"] = f"{number:012x}"
        result["recipe"]["train"]["seed"] = number
        file = folder / result["recipe"]["name"] / f"{result['id']}.json"
        file.parent.mkdir(exist_ok=True)
        size += file.write_text(json.dumps(result, indent=1), encoding="utf8")
    return size


def main(count: int) -> None:
    """Print the seconds of each format."""
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder), count)
        print(f"{count:,} results, {size / 1e6:.0f} MB")
        for options in (["--format", "text"], ["--format", "csv"], ["--pivot"]):
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            command = [sys.executable, "-m", "pefbench", "table", folder, *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            clock, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
            processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"table {' '.join(options)}: {clock:.1f} s, of the processor {processor:.1f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
