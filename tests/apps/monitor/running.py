"""Runs the monitor as a process, with a classifier without a model: python -m tests.apps.monitor.running CONFIG."""

from __future__ import annotations

import sys
from pathlib import Path

from pefbench import configuration
from pefbench.apps.monitor.app import make
from pefbench.apps.monitor.config import MonitorSection
from pefbench.server import running
from pefbench.server.settings import Settings
from tests.apps.monitor.opinions import classify


def main(file: Path) -> None:
    """Start it as `pefbench app monitor` does."""
    config = configuration.read(MonitorSection, file)
    listening = running.bound("127.0.0.1", 0)
    app = make(config, classify, Settings(inputs=config.server.max_inputs))
    print(f"monitor at http://127.0.0.1:{listening.getsockname()[1]}", flush=True)  # noqa: T201
    running.run(app, listening, 30.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
