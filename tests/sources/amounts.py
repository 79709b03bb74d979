"""How many files hypothesis makes: few in each run of the tests, as many as the environment says in a long one.

``PEFBENCH_TEST_FILES=2000 pytest tests/sources`` makes 2,000 of each format.
"""

from __future__ import annotations

import os


def files(usual: int) -> int:
    """The number of files for one test."""
    return int(os.environ.get("PEFBENCH_TEST_FILES", usual))
