"""The commands. The only place that prints results and errors, and that knows exit statuses.

0: done. 1: a trial failed, or a check did. 2: the user's input is wrong; one line says what, where, and what is right.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pefbench import __version__
from pefbench.errors import OutputError, PefbenchError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.results import Loaded

TABLE_FORMATS = ("text", "markdown", "csv", "latex", "json")
PREFERENCES = ("weights", "quality", "adapter", "memory", "time")
MATCHES = ("id", "recipe")
LISTS = ("tasks", "methods", "metrics", "recipes")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except PefbenchError as error:
        rank = os.environ.get("RANK", "0")
        _complain(f"error: {error}" if rank == "0" else f"error (process {rank}): {error}")
        status = error.exit_status
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on from the last checkpoint")
        status = 130
    except BrokenPipeError:  # as when the table is piped into head
        sys.stdout = None
        status = 141
    sys.exit(status)


def _run(parsed: argparse.Namespace) -> int:
    _hush_libraries()
    from pefbench.recipe import load_recipe

    recipe = load_recipe(parsed.recipe, parsed.override)
    from pefbench import results, running, tables

    if parsed.check_only:
        running.check(recipe, parsed.out)
        _print_once("nothing is wrong with this recipe; it was not trained")
        return 0
    path = running.run(recipe, parsed.out, rerun=parsed.rerun)
    _print_once(tables.summary(results.Stored(path, results.read_result(path))))
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    _hush_libraries()
    from pefbench.roundtrip import verify

    found = verify(parsed.trial)
    if parsed.json:
        _print(json.dumps(found))
        return 0
    alike = found["examples"] - found["differ"]
    same = f"{alike} of {found['examples']}" if found["differ"] else f"all {alike}"
    _print(f"{parsed.trial}: loaded again, it gives the same predictions on {same} test examples")
    return 0


def _table(parsed: argparse.Namespace) -> int:
    from pefbench import tables

    loaded = _loaded(parsed.results)
    if parsed.pivot:
        verdicts, damaged = _verdicts(parsed.results)
        _print(tables.pivot(loaded.results, parsed.format, verdicts))
        return 1 if loaded.problems or damaged else 0
    _print(tables.table(loaded.results, parsed.format))
    return 1 if loaded.problems else 0


def _report(parsed: argparse.Namespace) -> int:
    from pefbench import reporting

    loaded = _loaded(parsed.results, without=())
    verdicts, damaged = _verdicts(parsed.results)
    _write(parsed.out, reporting.page(loaded.results, verdicts))
    _print(f"{parsed.out}: opens in any browser, without a network")
    return 1 if loaded.problems or damaged else 0


def _pick(parsed: argparse.Namespace) -> int:
    from pefbench import amounts, picking

    limits = picking.Limits(
        memory=parsed.max_memory and amounts.size(parsed.max_memory, "--max-memory"),
        adapter=parsed.max_adapter and amounts.size(parsed.max_adapter, "--max-adapter"),
        seconds=parsed.max_train_time and amounts.duration(parsed.max_train_time, "--max-train-time"),
        within=parsed.within,
        prefer=parsed.prefer,
    )
    loaded = _loaded(parsed.results)
    verdicts, damaged = _verdicts(parsed.results)
    answers = picking.pick(loaded.results, limits, parsed.task, verdicts)
    _print(picking.render(answers, limits))
    return 1 if loaded.problems or damaged or any(answer.named is None for answer in answers) else 0


def _check(parsed: argparse.Namespace) -> int:
    from pefbench import checks

    if parsed.baseline is None:
        parsed.baseline = parsed.results / "baseline"
    if parsed.baseline.resolve() == parsed.results.resolve():
        raise UserError(f"--baseline {parsed.baseline}: results would be compared with themselves")
    new = _loaded(parsed.results, exclude=parsed.baseline)
    baseline = _loaded(parsed.baseline)
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
            _write(file, content(findings))
    _print(checks.render(findings))
    return 1 if any(finding.is_failure for finding in findings) else 0


def _list(parsed: argparse.Namespace) -> int:
    from pefbench import registry

    if parsed.matrix:
        if parsed.what != "methods":
            raise UserError(f"list {parsed.what} --matrix: only methods have a matrix: pefbench list methods --matrix")
        from pefbench import matrix

        _print(matrix.render(matrix.load()))
        return 0
    if parsed.what == "recipes":
        for file in registry.recipes():
            _print(f"{file}  {file.read_text(encoding='utf8').partition(chr(10))[0].lstrip('# ')}")
        return 0
    kind = parsed.what.removesuffix("s")
    names = registry.names(kind)
    width = max(len(name) for name in names)
    for name in names:
        _print(f"{name:{width}}  {registry.summary(kind, name)}")
    return 0


def _compare(parsed: argparse.Namespace) -> int:
    from pefbench.comparing import grid, report

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("compare starts the processes that it needs; run it without a launcher")
    wanted = grid.Wanted(parsed.comparison, parsed.out, parsed.workers, tuple(parsed.override), give_up=parsed.give_up)
    if parsed.dry_run:
        _print(grid.dry_run(wanted))
        return 0
    path = grid.compare(wanted)
    verdict = report.read(path)
    _print(report.render(verdict))
    _print(f"comparison: {path}")
    return 0 if verdict["complete"] else 1


def _worker(parsed: argparse.Namespace) -> int:
    _hush_libraries()
    import json

    from pefbench.comparing import worker

    if parsed.trial is None:
        worker.serve({int(core) for core in parsed.cores.split(",")} if parsed.cores else None)
    worker.run_one(json.loads(parsed.trial.read_text(encoding="utf8")))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pefbench", description="Fine-tuning methods compared honestly: for this task, this model, this budget."
    )
    parser.add_argument("--version", action="version", version=f"pefbench {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    made = (_add_run, _add_compare, _add_worker, _add_verify, _add_table, _add_report, _add_pick, _add_check, _add_list)
    for add in made:
        add(commands)
    return parser


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="train and score one recipe; go on where an earlier start was killed")
    run.add_argument("recipe", type=Path, metavar="RECIPE", help="a YAML file, such as recipes/lora_ner.yaml")
    run.add_argument(
        "-o", dest="override", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a recipe's field"
    )
    run.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="where results go (results)")
    run.add_argument("--rerun", action="store_true", help="train again even if this trial is finished")
    run.add_argument("--check-only", action="store_true", help="stop before training, having checked all that can be")
    run.set_defaults(run=_run)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser("compare", help="tune methods alike, then compare them; runs only what is missing")
    compare.add_argument(
        "comparison", type=Path, metavar="COMPARISON", help="a YAML file, such as recipes/compare/ner.yaml"
    )
    compare.add_argument(
        "-o",
        dest="override",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="override a field of the base recipe",
    )
    compare.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="where results go (results)")
    compare.add_argument("--workers", type=_count, default=1, metavar="N", help="trials side by side (1)")
    compare.add_argument("--dry-run", action="store_true", help="print the plan and how long it may take")
    compare.add_argument(
        "--give-up",
        action="store_true",
        help="count tuning trials that die as the worst, rather than wait for the next start to run them again",
    )
    compare.set_defaults(run=_compare)


def _add_worker(commands: Any) -> None:
    worker = commands.add_parser("worker")  # without help it is not listed: compare starts it
    worker.add_argument("--cores")
    worker.add_argument("--trial", type=Path)
    worker.set_defaults(run=_worker)


def _add_verify(commands: Any) -> None:
    verify = commands.add_parser("verify", help="load what a trial saved and compare its test predictions")
    verify.add_argument("trial", type=Path, metavar="FOLDER", help="a trial's folder, results/RECIPE/ID")
    verify.add_argument("--json", action="store_true", help="print the numbers of examples, and of those that differ")
    verify.set_defaults(run=_verify)


def _add_table(commands: Any) -> None:
    table = commands.add_parser("table", help="tabulate results")
    table.add_argument("results", type=Path, metavar="RESULTS", help="a folder of results, or one result")
    table.add_argument("--format", choices=TABLE_FORMATS, default="text", help="how to print it (text)")
    table.add_argument("--pivot", action="store_true", help="one table: tasks as rows, methods as columns")
    table.set_defaults(run=_table)


def _add_report(commands: Any) -> None:
    report = commands.add_parser("report", help="write the results as one HTML page that opens offline")
    report.add_argument("results", type=Path, metavar="RESULTS", help="a folder of results")
    report.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE", help="(report.html)")
    report.set_defaults(run=_report)


def _add_list(commands: Any) -> None:
    listing = commands.add_parser("list", help="what there is to choose from")
    listing.add_argument("what", choices=LISTS)
    listing.add_argument("--matrix", action="store_true", help="of methods: on which models and heads each works")
    listing.set_defaults(run=_list)


def _add_pick(commands: Any) -> None:
    pick = commands.add_parser("pick", help="name the method that meets your limits; exit 1 when none does")
    pick.add_argument("results", type=Path, metavar="RESULTS", help="a folder of results")
    pick.add_argument("--task", metavar="NAME", help="of this task alone (an answer for each there is)")
    pick.add_argument("--max-memory", metavar="SIZE", help="peak memory of training, as 8GiB")
    pick.add_argument("--max-adapter", metavar="SIZE", help="saved weights, as 50MB")
    pick.add_argument("--max-train-time", metavar="TIME", help="duration of training, as 20min")
    pick.add_argument(
        "--within", type=float, default=0.95, metavar="SHARE", help="of full fine-tuning's metric, at least (0.95)"
    )
    pick.add_argument(
        "--prefer",
        choices=PREFERENCES,
        default="weights",
        help="of those that meet the limits, name the one with the fewest trained weights, best quality, smallest "
        "saved adapter, least memory or shortest training (weights)",
    )
    pick.set_defaults(run=_pick)


def _add_check(commands: Any) -> None:
    check = commands.add_parser("check", help="compare results with a baseline; exit 1 when something got worse")
    check.add_argument("results", type=Path, metavar="RESULTS", help="a folder of results")
    check.add_argument("--baseline", type=Path, metavar="DIR", help="what to compare with (RESULTS/baseline)")
    check.add_argument(
        "--tolerance",
        type=_positive,
        metavar="X",
        help="how much a metric may be worse, absolute (a paired test decides; without predictions the interval)",
    )
    check.add_argument(
        "--metric-tolerance", action="append", default=[], metavar="NAME=X", help="the same for one metric by name"
    )
    check.add_argument(
        "--time-ratio", type=_positive, default=1.5, metavar="R", help="how much slower training may be (1.5)"
    )
    check.add_argument(
        "--memory-ratio", type=_positive, default=1.2, metavar="R", help="how much more memory it may take (1.2)"
    )
    check.add_argument(
        "--match", choices=MATCHES, default="id", help="same id, or same recipe with changed settings (id)"
    )
    check.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML, for CI")
    check.add_argument("--markdown", type=Path, metavar="FILE", help="also write a summary for a pull request")
    check.set_defaults(run=_check)


def _loaded(folder: Path, *, exclude: Path | None = None, without: Sequence[str] = ("curve",)) -> Loaded:
    """Read a folder's results, and warn of each file that is damaged: the exit status must say so, too."""
    from pefbench import results

    # Thousands of results are millions of objects without a circle: to look for one would take half of the time.
    gc.disable()
    loaded = results.load_results(folder, exclude=exclude, without=without)
    for problem in loaded.problems:
        _complain(f"warning: skipped {problem}")
    return loaded


def _write(file: Path, content: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf8")
    except OSError as error:
        raise OutputError(f"cannot write {file}: {error.strerror or type(error).__name__}") from None


def _verdicts(folder: Path) -> tuple[list[Any], int]:
    """Return what comparisons below a folder found, and how many of their files are damaged: each is told of."""
    from pefbench.comparing import report
    from pefbench.errors import DataError

    found, damaged = [], 0
    for file in sorted(folder.rglob("comparison.json")) if folder.is_dir() else ():
        try:
            found.append(report.read(file))
        except DataError as error:
            _complain(f"warning: skipped {error}")
            damaged += 1
    return found, damaged


def _per_metric(given: Sequence[str]) -> dict[str, float]:
    tolerances = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            tolerances[name] = _positive(value)
        except (ValueError, argparse.ArgumentTypeError):
            raise UserError(f"--metric-tolerance {item}: should be NAME=X, as in entity_f1=0.02") from None
    return tolerances


def _positive(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 0 or more")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 1 or more")
    return value


def _hush_libraries() -> None:
    """Keep the libraries' own progress bars and notices out of what pefbench says."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import logging

    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.utils.logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(torch|transformers|peft|accelerate|datasets|huggingface_hub)(\.|$)")


def _print_once(text: str) -> None:
    """Print from the first process alone."""
    if os.environ.get("RANK", "0") == "0":
        _print(text)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
