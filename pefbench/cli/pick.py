"""pefbench pick: the method that meets your limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_results
from pefbench.cli._folders import loaded_from, verdicts_below
from pefbench.cli._terminal import print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pefbench.cli._arguments import Commands

PREFERENCES = ("weights", "quality", "adapter", "memory", "time")


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    pick = commands.add_parser("pick", help="recommend a method within your limits; exit 1 if there is none")
    add_results(pick)
    pick.add_argument("--task", metavar="NAME", help="answer for this task only (default: for each task)")
    pick.add_argument("--max-memory", metavar="SIZE", help="limit on peak memory in training, such as 8GiB")
    pick.add_argument("--max-adapter", metavar="SIZE", help="limit on the size of the saved adapter, such as 50MB")
    pick.add_argument("--max-train-time", metavar="TIME", help="limit on training time, such as 20min")
    pick.add_argument(
        "--within",
        type=float,
        metavar="SHARE",
        help="smallest acceptable fraction of full fine-tuning's metric, on validation (default: 0.95)",
    )
    pick.add_argument(
        "--max-errors",
        type=float,
        metavar="TIMES",
        help="instead: largest acceptable error, as a multiple of full fine-tuning's, such as 1.2; the error is the "
        "distance from the metric's best possible value",
    )
    pick.add_argument(
        "--prefer",
        choices=PREFERENCES,
        default="weights",
        help="among methods within the limits: fewest trained weights, best quality, smallest saved adapter, least "
        "memory or shortest training (default: weights)",
    )
    pick.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.analysis import pick as picking
    from pefbench.cli import amounts

    if parsed.within is not None and parsed.max_errors is not None:
        raise UserError("--within and --max-errors: give only one of them")
    limits = picking.Limits(
        memory=_amount(parsed.max_memory, amounts.size, "--max-memory"),
        adapter=_amount(parsed.max_adapter, amounts.size, "--max-adapter"),
        seconds=_amount(parsed.max_train_time, amounts.duration, "--max-train-time"),
        within=0.95 if parsed.within is None else parsed.within,
        errors=parsed.max_errors,
        prefer=parsed.prefer,
    )
    loaded = loaded_from(parsed.results)
    verdicts, damaged = verdicts_below(parsed.results)
    answers = picking.pick(loaded.results, limits, parsed.task, verdicts)
    print_line(picking.render(answers, limits))
    return 1 if loaded.problems or damaged or any(answer.named is None for answer in answers) else 0


def _amount(text: str | None, read: Callable[[str, str], float], option: str) -> float | None:
    return None if text is None else read(text, option)
