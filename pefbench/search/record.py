"""Makes, writes and reads the record of a search, ``search.json``. Its fields are in `search_schema`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.engines.pruning import EXAMPLES
from pefbench.results.search_schema import SCHEMA, Found
from pefbench.results.shape import read_record
from pefbench.search.study import ERROR, importance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optuna.trial import FrozenTrial

    from pefbench.results.search_schema import MethodSearch, Tried
    from pefbench.search.racing import Runner
    from pefbench.search.trials import Objective
    from pefbench.search.tuning import Tuning
    from pefbench.search.wanted import Tunable, Wanted

SEARCH = "search.json"


def found_of(
    wanted: Wanted,
    tunings: Sequence[Tuning],
    objective: Objective,
    runners: Sequence[Runner],
    named: Runner,
    tested: Sequence[Path],
    folder: Path,
) -> Found:
    """The record of a search. tested: the selected setting's results. folder: of the record."""
    first = tunings[0].method.seed
    return {
        "schema": SCHEMA,
        "command": wanted.command,
        "metric": objective.metric,
        "higher_is_better": objective.higher,
        "sampler": wanted.sampler,
        "pruner": wanted.pruner,
        "methods": {each.method.method: _method(each) for each in tunings},
        "seeds": [first + number for number in range(wanted.seeds)],
        "race": [
            {
                "method": each.method,
                "setting": each.setting,
                "trial": each.trial,
                "values": each.values,
                "mean": each.mean,
                "mean_of_new_seeds": each.unseen,
                "dropped": each.dropped,
            }
            for each in runners
        ],
        "named": {
            "method": named.method,
            "setting": named.setting,
            "results": [os.path.relpath(path, folder) for path in tested],
        },
    }


def write(path: Path, found: Found) -> None:
    """Write a search's record. Raises OutputError."""
    atomic.write_json(path, found)


def read(path: Path) -> Found:
    """Read a search's record. Raises DataError if it is damaged or has another schema."""
    return read_record(path, Found, SCHEMA, "a search record")


def _method(tuning: Tuning) -> MethodSearch:
    method = tuning.method
    return {
        "name": method.name,
        "space": method.space.plain(),
        "study": tuning.study.study_name,
        "trials": [_tried(method, trial) for trial in tuning.tried],
        "importance": importance(tuning.study),
    }


def _tried(method: Tunable, trial: FrozenTrial) -> Tried:
    from optuna.trial import TrialState

    error = trial.user_attrs.get(ERROR)
    finished = trial.state == TrialState.COMPLETE
    return {
        "number": trial.number,
        "setting": method.space.setting(trial.params),
        "status": "failed" if error else "finished" if finished else "stopped",
        "error": error,
        "evaluations": [value for _, value in sorted(trial.intermediate_values.items())],
        "value": trial.value if finished else None,
        "examples": trial.user_attrs.get(EXAMPLES, 0),
    }
