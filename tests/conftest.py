"""pytest's configuration: quiet libraries, no network, sampled parameters, slow tests first.

Fixtures are in `fixtures`, which imports torch. Only processes that run tests load it; the one that distributes tests
to workers does not, because the workers would wait for the import.
"""

from __future__ import annotations

import os
from typing import Any

# Set before any test imports a library. No test may reach a hub. Two workers share two cores, where threads that wait
# for each other are slower than one thread.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest

from pefbench.results import provenance
from tests import sampling


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--grid`. By default the commit is the seed, so that each commit tries other cells."""
    parser.addoption("--grid", metavar="SEED", help="cells of the grid to try: drawn by SEED, or all (default: HEAD)")


def pytest_configure(config: pytest.Config) -> None:
    """Give workers the main process's seed, and load the fixtures where tests run."""
    if hasattr(config, "workerinput"):
        config.option.grid = config.workerinput["grid"]
    elif config.option.grid is None:
        config.option.grid = provenance.commit()[0] or "no commit"
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.import_plugin("tests.fixtures")


def pytest_report_header(config: pytest.Config) -> str:
    """The option that repeats the sample."""
    return f"grid: --grid {config.option.grid}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the seed to a worker."""
    node.workerinput["grid"] = node.config.option.grid


SLOW = tuple(f"tests/{name}.py" for name in ("trial/test_main_job", "trial/test_processes", "compare/test_compare"))
"""These start first, so that the run does not end with one worker busy and the others idle."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Draw the samples, and move the slowest tests to the front."""
    sampling.deselect(config, items)
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))
