"""pefbench check: results against a baseline."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_results, given_address, given_path, positive
from pefbench.cli._folders import loaded_from, write_file
from pefbench.cli._terminal import print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.cli._arguments import Commands

MATCHES = ("id", "recipe")


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    check = commands.add_parser("check", help="compare results with a baseline; exit 1 if anything got worse")
    add_results(check)
    check.add_argument(
        "--baseline", type=given_address, metavar="DIR", help="results to compare with (default: RESULTS/baseline)"
    )
    check.add_argument(
        "--tolerance",
        type=positive,
        metavar="X",
        help="largest absolute drop of a metric to accept (default: judged by the spread over seeds; with one run "
        "each, only a gross loss counts)",
    )
    check.add_argument(
        "--metric-tolerance",
        action="append",
        default=[],
        metavar="NAME=X",
        help="the same for one metric; may be repeated",
    )
    check.add_argument(
        "--time-ratio",
        type=positive,
        default=1.5,
        metavar="R",
        help="largest accepted ratio of training times (default: 1.5)",
    )
    check.add_argument(
        "--memory-ratio",
        type=positive,
        default=1.2,
        metavar="R",
        help="largest accepted ratio of peak memory (default: 1.2)",
    )
    check.add_argument(
        "--match",
        choices=MATCHES,
        default="id",
        help="pair results by id, or by recipe name where settings changed (default: id)",
    )
    check.add_argument("--junit", type=given_path, metavar="FILE", help="also write JUnit XML, for CI")
    check.add_argument("--markdown", type=given_path, metavar="FILE", help="also write a summary for a pull request")
    check.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.analysis import checks
    from pefbench.results.address import place_at

    if parsed.junit and parsed.markdown and parsed.junit.resolve() == parsed.markdown.resolve():
        raise UserError(f"--junit and --markdown: both name {parsed.junit}; name two files")
    results = place_at(parsed.results)
    before = results.below("baseline") if parsed.baseline is None else place_at(parsed.baseline)
    if before.folder.resolve() == results.folder.resolve():
        raise UserError(f"--baseline {before}: results would be compared with themselves")
    # One folder may lie inside the other; exclude it, so that only the rest is compared.
    new = loaded_from(results, exclude=before.folder)
    baseline = loaded_from(before, exclude=results.folder)
    tolerances = checks.Tolerances(
        metric=parsed.tolerance,
        metrics=_per_metric(parsed.metric_tolerance),
        time_ratio=parsed.time_ratio,
        memory_ratio=parsed.memory_ratio,
    )
    damaged = new.problems + baseline.problems
    findings = checks.check(new.results, baseline.results, tolerances, by=parsed.match, damaged=damaged)
    for file, content in ((parsed.markdown, checks.markdown), (parsed.junit, checks.junit)):
        if file is not None:
            write_file(file, content(findings))
    print_line(checks.render(findings))
    return 1 if any(finding.is_failure for finding in findings) else 0


def _per_metric(given: Sequence[str]) -> dict[str, float]:
    tolerances = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            tolerances[name] = positive(value)
        except (ValueError, argparse.ArgumentTypeError):
            raise UserError(f"--metric-tolerance {item}: should be NAME=X, as in entity_f1=0.02") from None
    return tolerances
