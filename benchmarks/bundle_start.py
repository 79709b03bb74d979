"""Size of a bundle of `pefbench export --as onnx`, and the time to its first answer, in a fresh venv without torch.

    python -m benchmarks.bundle_start BUNDLE [TEXT]

Each start is a new process, timed from the shell's command to the end of the first answer. Processor time is given too,
because other processes on the machine do not lengthen it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

STARTS = 7
NEEDS = ("onnxruntime", "tokenizers", "numpy")


def main() -> None:
    """Measure the bundle in the first argument."""
    bundle, text = Path(sys.argv[1]), (sys.argv[2:] or ["A text."])[0]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        before = _size(Path(folder))
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS], check=True)
        print(
            f"bundle {_size(bundle) / 1e6:.1f} MB; its packages {(_size(Path(folder)) - before) / 1e6:.1f} MB installed"
        )
        walls, processor = [], []
        for _ in range(STARTS):
            began, used = time.perf_counter(), _used()
            subprocess.run([python, bundle / "answer.py", text], check=True, capture_output=True)
            walls.append(time.perf_counter() - began)
            processor.append(_used() - used)
    print(f"first answer {median(walls):.2f} s, of the processor {median(processor):.2f} s (median of {STARTS} starts)")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _used() -> float:
    """Processor seconds that ended children have taken."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


if __name__ == "__main__":
    main()
