"""What all tests share, for pytest itself: quiet libraries, no network, samples, and which tests begin.

Fixtures are in `fixtures`, which needs torch: only who runs tests imports it, so not the process that hands them out to
workers, which would keep both waiting meanwhile.
"""

from __future__ import annotations

import os
from typing import Any

# Before any test imports a library: nothing here may reach a hub, and two test workers share two cores (threads that
# wait for one another take longer than one).
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest

from pefbench.results import provenance
from tests import sampling


def pytest_addoption(parser: pytest.Parser) -> None:
    """The sample of the grid of methods and architectures: by the commit, so that others are tried with each."""
    parser.addoption("--grid", metavar="SEED", help="cells of the grid to try: drawn by SEED, or all; by default HEAD")


def pytest_configure(config: pytest.Config) -> None:
    """Let workers draw the sample that the main process draws, and have fixtures."""
    if hasattr(config, "workerinput"):
        config.option.grid = config.workerinput["grid"]
    elif config.option.grid is None:
        config.option.grid = provenance.commit()[0] or "no commit"
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.import_plugin("tests.fixtures")


def pytest_report_header(config: pytest.Config) -> str:
    """How to repeat the sample."""
    return f"grid: --grid {config.option.grid}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker."""
    node.workerinput["grid"] = node.config.option.grid


SLOW = tuple(f"tests/{name}.py" for name in ("trial/test_main_job", "trial/test_processes", "compare/test_compare"))
"""Begun first, so that no worker is left with one of them when the others have ended."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Draw samples, and put the slowest first; the order is otherwise as it was."""
    sampling.deselect(config, items)
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))
