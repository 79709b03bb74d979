"""pefbench app: an application of trained models: train what it needs, or start it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.cli._arguments import given_path, port
from pefbench.cli._terminal import hush_libraries, print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse

    from pefbench.apps.app import App
    from pefbench.apps.sections import AppSection
    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    from pefbench.apps import registry

    app = commands.add_parser("app", help="train or start an application of trained models")
    app.add_argument("name", metavar="NAME", choices=registry.names(), help=f"one of: {', '.join(registry.names())}")
    app.add_argument(
        "action",
        nargs="?",
        choices=("train", "start", "schema"),
        default="start",
        help="train: train what it needs; start: serve it; schema: print the JSON schema of its configuration "
        "(default: start)",
    )
    app.add_argument(
        "--config", type=given_path, metavar="FILE", help="its configuration, in YAML (default: the defaults)"
    )
    app.add_argument("--host", help="address to listen on (default: the configuration's)")
    app.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which clients without an API key may address it, besides the configuration's; may be repeated",
    )
    app.add_argument("--port", type=port, help="port to listen on (default: the configuration's)")
    app.set_defaults(run=_run, resumes=True)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench import configuration
    from pefbench.apps import registry

    app = registry.find(parsed.name)
    if parsed.action == "schema":
        print_line(json.dumps(app.section.model_json_schema(), indent=1, ensure_ascii=False))
        return 0
    config = configuration.read(app.section, parsed.config)
    return _train(app, config) if parsed.action == "train" else _start(parsed, app, config)


def _train(app: App[AppSection], config: AppSection) -> int:
    from pefbench.apps import training

    folder, needed = Path(config.folder), app.trainings(config)
    hush_libraries()
    given = {name: training.trained(name, each, folder) for name, each in needed.items() if each.trial is not None}
    app.check(config, given)
    app.before_training(config)
    models = {name: training.train(name, each, folder) for name, each in needed.items()}
    for line in app.after_training(config, models):
        print_line(line)
    return 0


def _start(parsed: argparse.Namespace, app: App[AppSection], config: AppSection) -> int:
    check_extra()
    hush_libraries()
    from pefbench.apps import training
    from pefbench.server import hosts, running, settings

    server = config.server
    keys = settings.read_keys(Path(server.keys) if server.keys else None)
    models = training.all_trained(app.trainings(config), Path(config.folder))
    listening = running.bound(parsed.host or server.host, server.port if parsed.port is None else parsed.port)
    chosen = settings.Settings(
        keys=keys,
        body=server.max_body,
        inputs=server.max_inputs,
        characters=server.max_characters,
        queue=server.queue,
        hosts=hosts.allowed(listening, [*server.allow_hosts, *parsed.allow_host]),
    )
    try:
        made = app.make(config, models, chosen)
    except BaseException:
        listening.close()
        raise
    print_line(f"{parsed.name} at {running.address(listening)}")
    running.run(made, listening, chosen.patience)
    return 0


def check_extra() -> None:
    """Raise UserError if a library is missing that applications need."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import pythonjsonlogger  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(f"applications need {error.name}: pip install 'pefbench[app]'") from None
