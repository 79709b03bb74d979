"""A process that runs the trials of a comparison one after another and shares data and models between them.

Requests are lines of JSON on standard input, answers are lines of JSON on standard output. A trial's own output goes to
standard error. When the comparison ends, so does the worker.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
import traceback
from typing import TYPE_CHECKING, NoReturn

from pefbench import collecting, hardware, launched
from pefbench.errors import DataError, HeldError, PefbenchError, PreemptedError, PrunedError

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.engines.messages import (
        Failure,
        Held,
        Inspection,
        InspectRequest,
        Preempted,
        Pruned,
        Ran,
        RunRequest,
        TrialRequest,
    )
    from pefbench.recipe import Recipe
    from pefbench.trial.cache import Shared

    Request = RunRequest | InspectRequest


def serve(cores: set[int] | None = None) -> NoReturn:
    """Answer requests until standard input ends. cores: the only ones to use, if the system supports that."""
    _keep_to(cores)
    with os.fdopen(os.dup(1), "w", encoding="utf8") as answers:
        os.dup2(2, 1)
        with collecting.paused():
            from pefbench.trial import forked_check, run  # noqa: F401 - with everything that a trial imports
            from pefbench.trial.cache import Shared

        forked_check.start()
        requests = _requests()

        shared = Shared()
        while True:
            answers.write(json.dumps(answer(requests.get(), shared)) + "\n")
            answers.flush()


def run_one(request: TrialRequest) -> None:
    """Run one trial on all processes of a launcher; the first process prints the answer as a line of JSON.

    Standard input is a pipe from the process that asked. When it ends, so does this process.
    """
    launched.launcher()
    _end_with_input()
    if "WORLD_SIZE" not in os.environ:
        from pefbench.trial import stopping

        stopping.listen()
    answer = _run(request, None)
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(answer), flush=True)  # noqa: T201 - to the process that asked


def _end_with_input() -> None:
    def wait() -> None:
        os.read(0, 1)  # not through sys.stdin, which a waiting thread would keep from being closed
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _keep_to(cores: set[int] | None) -> None:
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _requests() -> queue.SimpleQueue[Request]:
    """The requests as they come in. When standard input ends, so does the process, even during a trial."""
    found: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            found.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return found


def answer(request: Request, shared: Shared) -> Inspection | Ran | Held | Preempted | Pruned | Failure:
    """Handle a request. No exception ends the worker: other trials are waiting."""
    try:
        return _inspect(request, shared) if request["do"] == "inspect" else _run(request, shared)
    except PefbenchError as error:
        return {"error": str(error), "exit_status": error.exit_status}
    except Exception as error:  # noqa: BLE001 - reported, with the traceback in the log
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0], "exit_status": 1}
    finally:
        gc.collect()
        hardware.give_back_memory()  # so that this trial does not count towards the next one's peak


def _inspect(request: InspectRequest, shared: Shared) -> Inspection:
    """Look up the result file of each trial, the metric's values and the number of GPUs.

    Raises DataError for a result of a different model than the current one.
    """
    from pefbench.metrics import make
    from pefbench.recipe import load_resolved
    from pefbench.results.address import place_at
    from pefbench.trial.dropout import how_drawn
    from pefbench.trial.folder import result_path
    from pefbench.trial.prepare import as_trained, with_precision

    paths, examples = [], 0
    for trial in request["trials"]:
        recipe = load_resolved(trial["recipe"])
        data = shared.corpus(with_precision(recipe))
        recipe = as_trained(recipe, data.dataset, shared)
        examples = min(len(data.dataset.splits["train"]), recipe.train.max_examples or sys.maxsize)
        drawn = how_drawn(recipe, shared.config(recipe))
        path = result_path(recipe, data.fingerprint, place_at(trial["out"]).folder, trial["scored"], dropout=drawn)
        _check_model(path, recipe, shared)
        paths.append(str(path))
    metrics = [make(named) for named in load_resolved(request["trials"][0]["recipe"]).evaluate.metrics]
    better = {name: higher for metric in metrics for name, higher in metric.higher_is_better.items()}
    found: Inspection = {
        "paths": paths,
        "headline": metrics[0].headline,
        "higher_is_better": better,
        "untestable": [name for each in metrics if not each.moves_with_examples for name in each.higher_is_better],
        "training_examples": examples,
        "gpus": hardware.count(),
    }
    if request.get("room"):
        found["room"] = max(_room(trial, shared) for trial in request["trials"])
    return found


def _room(request: TrialRequest, shared: Shared) -> int:
    from pefbench.recipe import load_resolved
    from pefbench.trial.trial import Trial

    return Trial(load_resolved(request["recipe"]), request["out"], scored=request["scored"], shared=shared).room()


def _check_model(path: Path, recipe: Recipe, shared: Shared) -> None:
    """Raise DataError for a result of a different model than the current one."""
    from pefbench.results.store import read_result
    from pefbench.trial import same_model

    try:
        result = read_result(path)
    except DataError:  # missing, or damaged and about to be replaced
        return
    if why := same_model.difference(result, shared.start(recipe), shared):
        raise DataError(f"{path}: {why}; compare into another --out, or remove the old model's results")


def _run(request: TrialRequest, shared: Shared | None) -> Ran | Held | Preempted | Pruned:
    from pefbench.engines import pruning
    from pefbench.recipe import load_resolved
    from pefbench.results.address import place_at
    from pefbench.trial import run

    recipe = load_resolved(request["recipe"])
    out = place_at(request["out"])
    if "placement" in request:
        hardware.keep_to(request["placement"]["cpus"])
    watch = pruning.watcher(request["judged"]) if "judged" in request else None
    try:
        path = run.run(
            recipe,
            out,
            command=request["command"],
            scored=request["scored"],
            shared=shared,
            time_merged=True,
            processes_in_id=False,
            watch=watch,
            patience=request.get("patience"),
            placement=request.get("placement"),
        )
    except HeldError as held:
        return {"held": str(held)}
    except PrunedError as stopped:
        return {"pruned": str(stopped)}
    except PreemptedError as stopped:
        return {"preempted": str(stopped)}
    return {"path": str(path.relative_to(out.folder))}
