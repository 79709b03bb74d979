"""pefbench search: the best setting of a method on one data set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_out, add_overrides, count, given_path
from pefbench.cli._resources import add_resources, resources_of
from pefbench.cli._terminal import print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands

SAMPLERS, PRUNERS = ("tpe", "random", "grid"), ("asha", "median", "wilcoxon", "none")


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    search = commands.add_parser(
        "search",
        help="search for the best setting of a method with Optuna: tune, race the best over seeds, test the one "
        "selected",
    )
    search.add_argument(
        "recipe",
        type=given_path,
        metavar="RECIPE",
        help="a YAML file, or a name from `pefbench list recipes`, such as ner",
    )
    search.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="NAME",
        help="a method to search; repeat for each (default: the recipe's)",
    )
    add_overrides(search, "a field of the recipe, as in -o train.epochs=1; may be repeated")
    add_out(search)
    _add_tuning(search)
    _add_race(search)
    search.add_argument(
        "--storage",
        metavar="URL",
        help="Optuna storage, as in sqlite:///search.db or postgresql://...; several machines may share one "
        "(default: a journal file beside the results)",
    )
    search.add_argument(
        "--keep",
        type=count,
        default=1,
        metavar="N",
        help="models of the selected setting to keep, each trained with its own seed (default: 1)",
    )
    add_resources(search)
    search.set_defaults(run=_run, resumes=True)


def _add_tuning(search: argparse.ArgumentParser) -> None:
    """Add the arguments for proposing settings and for stopping their trials early."""
    search.add_argument("--trials", type=count, default=20, metavar="N", help="settings for each method (default: 20)")
    search.add_argument(
        "--sampler",
        choices=SAMPLERS,
        default="tpe",
        help="how settings are proposed: tpe learns from earlier ones (default: tpe)",
    )
    search.add_argument(
        "--prune",
        choices=PRUNERS,
        default="asha",
        help="rule that stops a trial early, by validation after each epoch (default: asha)",
    )


def _add_race(search: argparse.ArgumentParser) -> None:
    """Add the arguments for running the best settings with more seeds."""
    search.add_argument(
        "--race",
        type=count,
        metavar="N",
        help="number of best settings that run more seeds (default: 4, if that many are tried)",
    )
    search.add_argument(
        "--seeds",
        type=count,
        default=5,
        metavar="N",
        help="maximum number of seeds per setting in the race (default: 5)",
    )


def _run(parsed: argparse.Namespace) -> int:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("search starts the processes that it needs; run it without a launcher")
    if parsed.keep > parsed.seeds:
        raise UserError(f"--keep {parsed.keep}: there are {parsed.seeds} seeds; raise --seeds")
    _check_optuna()
    from pefbench.search import find, record, report
    from pefbench.search.wanted import Wanted

    wanted = Wanted(
        parsed.recipe,
        parsed.out,
        tuple(parsed.method),
        tuple(parsed.override),
        trials=parsed.trials,
        sampler=parsed.sampler,
        pruner=parsed.prune,
        racing=parsed.race,
        seeds=parsed.seeds,
        storage=parsed.storage,
        resources=resources_of(parsed),
        keep=parsed.keep,
        command=parsed.command,
    )
    path = find.find(wanted)
    found = record.read(path)
    print_line(report.render(path, found))
    print_line(f"search: {path}")
    print_line(str(report.model_of(path, found)))
    return 0


def _check_optuna() -> None:
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise UserError("search needs Optuna: pip install 'pefbench[search]'") from None
