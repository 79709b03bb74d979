"""pefbench import: what other tools recorded, as results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_out, count, given_path
from pefbench.cli._terminal import complain, print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    importing = commands.add_parser("import", help="import the results of another tool")
    importing.add_argument(
        "files",
        type=given_path,
        nargs="+",
        metavar="FILE",
        help="samples_*.jsonl or results_*.json of lm-evaluation-harness, a result file of PEFT's method_comparison, "
        "or a folder of such files",
    )
    add_out(importing)
    importing.add_argument(
        "--questions",
        type=count,
        metavar="N",
        help="number of test questions, if neither the files nor the benchmark say (default: unknown, no interval)",
    )
    importing.add_argument(
        "--metric",
        metavar="NAME",
        help="metric that ranks lm-evaluation-harness's results, such as acc_norm or exact_match,flexible-extract "
        "(default: the first metric that has an interval)",
    )
    importing.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.foreign import gather, write
    from pefbench.results.address import place_at

    out = place_at(parsed.out)
    found = gather.find(parsed.files)
    runs = gather.imported(found, parsed.questions, parsed.metric)  # read everything before writing anything
    for why in found.passed_over:
        complain(f"warning: not imported: {why}")
    for run in runs:
        path, is_new = write.write(run, out)
        recipe, tool = run.result["recipe"], run.result["foreign"]["tool"]
        print_line(
            f"{'imported' if is_new else 'already imported'}: {tool}: {recipe['task']}, {recipe['name']}: {path}"
        )
        for kind, texts in (("note", run.result.get("notes", [])), ("warning", run.result.get("warnings", []))):
            for text in texts:
                complain(f"{kind}: {path.name}: {text}")
    return 0
