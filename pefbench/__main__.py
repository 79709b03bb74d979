"""Entry point of ``python -m pefbench`` and of ``accelerate launch pefbench``, which runs this folder as a script."""

import sys
from pathlib import Path

# In a script, sys.path[0] is this folder: its modules would shadow libraries, and `pefbench` would not be found.
here = Path(__file__).resolve().parent
if sys.path and Path(sys.path[0] or ".").resolve() == here:
    sys.path[0] = str(here.parent)

from pefbench.cli.main import main  # noqa: E402 - the path must be right first

if __name__ == "__main__":
    main()
