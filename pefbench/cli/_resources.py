"""Arguments of `compare` and `search` for where trials run and which resources each gets."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from pefbench.cli import amounts
from pefbench.cli._arguments import count
from pefbench.errors import quoted

if TYPE_CHECKING:
    from pefbench.engines.engine import Resources

ENGINES = ("local", "ray", "slurm")


def add_resources(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to a command."""
    parser.add_argument(
        "--on",
        choices=ENGINES,
        default="local",
        help="where trials run: worker processes on this machine, a Ray cluster (RAY_ADDRESS), or SLURM "
        "(default: local)",
    )
    parser.add_argument(
        "--workers",
        type=count,
        default=None,
        metavar="N",
        help="trials to run in parallel (default: 1; on a cluster, as many as fit)",
    )
    parser.add_argument("--cpus", type=count, metavar="N", help="cores per trial on a cluster (default: 1)")
    parser.add_argument(
        "--gpus", type=_whole, metavar="N", help="GPUs per trial on a cluster (default: 1 if there are any)"
    )
    parser.add_argument(
        "--time-limit", metavar="TIME", help="time limit of a trial in SLURM, such as 90min (default: the partition's)"
    )
    parser.add_argument("--partition", metavar="NAME", help="SLURM partition (default: the cluster's)")


def resources_of(parsed: argparse.Namespace) -> Resources:
    """The requested resources. Raises UserError."""
    from pefbench.engines.engine import Resources

    limit = parsed.time_limit
    minutes = None if limit is None else math.ceil(amounts.duration(limit, "--time-limit") / 60)
    workers = parsed.workers
    return Resources(parsed.on, workers, parsed.cpus, parsed.gpus, minutes, parsed.partition)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"should be a whole number of 0 or more, got {quoted(text)}")
    return int(text)
