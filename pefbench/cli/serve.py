"""pefbench serve: saved trials behind HTTP, on one base that they share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.cli._arguments import given_address, given_path, port
from pefbench.cli._terminal import hush_libraries, print_line
from pefbench.errors import UserError, counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pefbench.cli._arguments import Commands

LOOPBACK = "127.0.0.1"


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    serve = commands.add_parser("serve", help="serve the saved models of trials over HTTP")
    serve.add_argument(
        "trials",
        nargs="*",
        type=given_address,
        metavar="[NAME=]TRIAL",
        help="a trial's folder, its result, or its model folder; NAME is the recipe's, if not given",
    )
    serve.add_argument("--host", default=LOOPBACK, help="address to listen on (default: %(default)s, this machine)")
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which clients without an API key may address it; on loopback, only localhost otherwise; may "
        "be repeated",
    )
    serve.add_argument(
        "--port", type=port, default=8000, help="port to listen on (default: %(default)s; 0: a free one)"
    )
    serve.add_argument("--models", type=given_path, metavar="DIR", help="folder whose models may be loaded over HTTP")
    serve.add_argument("--keep", type=int, default=64, metavar="N", help="models kept in memory (default: %(default)s)")
    serve.add_argument(
        "--keys", type=given_path, metavar="FILE", help="API keys, one per line (default: those in PEFBENCH_API_KEYS)"
    )
    limits = {"--queue": (1024, "inputs waiting in the queue"), "--max-body": (2**20, "bytes of a request")}
    limits |= {"--max-inputs": (64, "inputs per request"), "--max-characters": (100_000, "characters of an input")}
    for option, (default, what) in limits.items():
        serve.add_argument(
            option, type=int, default=default, metavar="N", help=f"maximum {what} (default: %(default)s)"
        )
    serve.add_argument(
        "--base", type=given_address, metavar="ADDRESS", help="where the pretrained model is now, if it has moved"
    )
    serve.add_argument("--threads", type=int, metavar="N", help="compute threads (default: one per core)")
    serve.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    _check(parsed)
    hush_libraries()
    from pefbench.server import app, hosts, running, settings
    from pefbench.server.engine import Engine
    from pefbench.server.store import Store
    from pefbench.trial.devices import set_threads

    keys, named = settings.read_keys(parsed.keys), _named(parsed.trials)
    listening = running.bound(parsed.host, parsed.port)
    chosen = settings.Settings(
        models=parsed.models,
        keys=keys,
        body=parsed.max_body,
        inputs=parsed.max_inputs,
        characters=parsed.max_characters,
        queue=parsed.queue,
        hosts=hosts.allowed(listening, parsed.allow_host),
    )
    set_threads(parsed.threads)
    store = Store(parsed.keep, parsed.base)
    for name, folder in named.items():
        served = store.open(name, folder)
        print_line(f"{name}: {served.model.task}{f', does not share batches: {served.alone}' if served.alone else ''}")
    made = app.make(Engine(store, chosen.queue), chosen)
    print_line(f"{counted(len(named), 'model')} at {running.address(listening)}")
    running.run(made, listening, chosen.patience)
    return 0


def _check(parsed: argparse.Namespace) -> None:
    """Raise UserError for invalid options, before anything is loaded."""
    if not parsed.trials and parsed.models is None:
        raise UserError("nothing to serve: name a trial, or a folder of models: --models DIR")
    if parsed.models is not None and not parsed.models.is_dir():
        raise UserError(f"--models {parsed.models}: no such folder")
    for option in ("keep", "queue", "max_body", "max_inputs", "max_characters", "threads"):
        value = getattr(parsed, option)
        if value is not None and value < 1:
            raise UserError(f"--{option.replace('_', '-')} {value}: should be 1 or more")
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(f"serving needs {error.name}: pip install 'pefbench[serve]'") from None


def _named(trials: Sequence[str]) -> dict[str, Path]:
    """The folders of trials by name. Raises UserError if two have the same name, DataError if one is not a trial."""
    from pefbench.inference import loading
    from pefbench.server.settings import NAME
    from pefbench.trial.saved import read_trial

    found: dict[str, Path] = {}
    for given in trials:
        name, _, place = given.rpartition("=") if not Path(given).exists() else ("", "", given)
        folder = loading.find(Path(place))
        name = name or str(read_trial(folder)["recipe"].get("name", ""))
        if not NAME.fullmatch(name):
            raise UserError(f"{given}: {name[:100]!r} is not a valid model name; give it one: NAME={place}")
        if name in found:
            raise UserError(f"{name} would be the name of {found[name]} and of {folder}; give one another: NAME=TRIAL")
        found[name] = folder
    return found
