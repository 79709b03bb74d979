"""The record of a search, ``search.json``: how it is made, written and read. Its fields are in `search_schema`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

from pefbench.engines.pruning import EXAMPLES
from pefbench.errors import DataError
from pefbench.results import store
from pefbench.results.search_schema import SCHEMA, Found
from pefbench.results.shape import mismatch
from pefbench.search.study import ERROR, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optuna import Study
    from optuna.trial import FrozenTrial

    from pefbench.results.search_schema import MethodSearch, Tried
    from pefbench.search.racing import Runner
    from pefbench.search.wanted import Searched, Wanted

SEARCH = "search.json"


def found_of(
    wanted: Wanted,
    methods: Sequence[Searched],
    studies: Mapping[str, Study],
    runners: Sequence[Runner],
    named: Runner,
    tested: Sequence[Path],
    metric: str,
    *,
    higher: bool,
    folder: Path,
) -> Found:
    """The record of a search. folder: where it will lie."""
    first = methods[0].seed
    return {
        "schema": SCHEMA,
        "command": wanted.command,
        "metric": metric,
        "higher_is_better": higher,
        "sampler": wanted.sampler,
        "pruner": wanted.pruner,
        "methods": {each.method: _method(each, studies[each.method]) for each in methods},
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
    store.write_json(path, found)


def read(path: Path) -> Found:
    """A search's record. Raises DataError for what is none."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as the record of a search ({type(error).__name__})") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise DataError(f"{path}: not the record of a search of schema {SCHEMA}")
    if wrong := mismatch(Found, found):
        raise DataError(f"{path}: damaged record: {wrong[1:]}")
    return cast("Found", found)


def _method(method: Searched, study: Study) -> MethodSearch:
    trials = [trial for trial in study.get_trials(deepcopy=False) if counted(trial)]
    return {
        "name": method.name,
        "space": method.space.plain(),
        "study": study.study_name,
        "trials": [_tried(method, trial) for trial in trials],
    }


def _tried(method: Searched, trial: FrozenTrial) -> Tried:
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
