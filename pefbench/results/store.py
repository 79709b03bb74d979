"""The result file: its id, and how it is written, read and collected. Its fields are in `schema`.

One trial is one file ``results/<recipe>/<id>.json``; the files that it saved are beside it in the folder ``<id>/``.
Nothing heavy is imported here, so that `table` and `check` start fast.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from pefbench import atomic, collecting
from pefbench.errors import DataError, OutputError, UserError, counted
from pefbench.results.possible import NEVER_INTERVALS
from pefbench.results.schema import ID, is_final, read_time
from pefbench.results.validation import problem as problem_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pefbench.results.schema import Result


@dataclass(frozen=True, slots=True)
class Stored:
    """A result and its path."""

    path: Path
    result: Result


@dataclass(frozen=True, slots=True)
class Loaded:
    """The results of a folder, sorted by path, and one line for each damaged file.

    Tuning trials, which were never scored on test, are left out.
    """

    results: list[Stored]
    problems: list[str]


def trial_id(recipe: Mapping[str, Any], fingerprint: str) -> str:
    """The 12 hex digits that identify a trial: a hash of the resolved recipe and the data's `fingerprint`.

    The recipe's name is left out, so a renamed file is the same trial. Fields that change no number are left out too:
    see `deciding`.
    """
    content = {key: value for key, value in deciding(recipe).items() if key != "name"}
    canonical = json.dumps([content, fingerprint], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def deciding(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """A resolved recipe without the fields that change no number.

    These are where the curve is tracked, and when validation is scored, if nothing is chosen by those scores.
    """
    train = recipe.get("train")
    if not isinstance(train, dict) or not {"evaluate", "track"} & train.keys():
        return recipe
    idle = {"track"} if {"keep", "patience"} & train.keys() else {"evaluate", "track"}
    return {**recipe, "train": {name: value for name, value in train.items() if name not in idle}}


def readable(value: float, unit: str = "") -> str:
    """A count or a size in decimal units: ``1.2 M``, ``3.4 MB``, ``512 B``."""
    power = 0
    while abs(value) >= 999.5 and power < 4:
        value /= 1000
        power += 1
    digits = 1 if power and abs(value) < 99.95 else 0
    return f"{value:.{digits}f} {'kMGT'[power - 1 : power]}{unit}".rstrip()


def check_writable(folder: Path, needed_bytes: int) -> None:
    """Create `folder` and check that a trial can write `needed_bytes` to it; call it before training.

    Raises OutputError if the folder cannot be written to or its disk has too little room.
    """
    probe = folder / f"{atomic.TEMPORARY_PREFIX}probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(probe) as temporary:
            temporary.write_text("probe\n", encoding="utf8")
        probe.unlink(missing_ok=True)  # another process may have tried at the same time
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"cannot write to the folder {folder}: {atomic.reason(error)}") from error
    if free < needed_bytes:
        need, have = readable(needed_bytes, "B"), readable(free, "B")
        raise OutputError(f"too little room in {folder}: {need} needed, {have} free; make room or choose another --out")


def read_result(path: Path) -> Result:
    """Read one result file. Raises DataError if it is damaged, no result, or of another schema."""
    try:
        value = orjson.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise DataError(_unreadable(error)) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: damaged result: not UTF-8 text") from error
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise DataError(f"{path}: damaged result: not a whole JSON file ({error.msg}, {where})") from error
    if problem := problem_of(value):
        raise DataError(f"{path}: {problem}")
    _forget_false_intervals(value)
    return cast("Result", value)


def _forget_false_intervals(result: Result) -> None:
    """Drop the intervals of distinct-n in older results: resampling cannot give them, and most lay below the value."""
    for values in (*result.get("metrics", {}).values(), *result.get("baselines", {}).values()):
        for metric in values.values():
            if metric["signature"].startswith(NEVER_INTERVALS):
                metric["low"] = metric["high"] = None


def load_results(folder: Path, *, exclude: Path | None = None, without: Iterable[str] = ()) -> Loaded:
    """Read every result below `folder` (which may be a single file), except those in `exclude`.

    without: optional fields to drop after reading; curves take most of the memory of thousands of results.
    Raises UserError if there is no readable result at all.
    """
    results: list[Stored] = []
    problems: list[str] = []
    tuning = 0
    excluded = _inside(folder, exclude)
    try:
        paths = _result_files(folder, excluded, problems)
    except OSError as error:
        raise UserError(_unreadable(error)) from error
    # Thousands of results are millions of objects without cycles; garbage collection would take half of the time.
    with collecting.off():
        for path in paths:
            try:
                if not is_final(result := read_result(path)):
                    tuning += 1
                    continue
                for name in without:
                    cast("dict[str, object]", result).pop(name, None)
                results.append(Stored(path, result))
            except DataError as error:
                problems.append(str(error))
    if not results:
        other = "" if excluded is None else f" other than {exclude}"
        raise UserError(_nothing_in(f"{folder}{other}", tuning, problems))
    return Loaded(results, problems)


def _nothing_in(place: str, tuning: int, problems: Sequence[str]) -> str:
    """Why a place has no results, although it has this many tuning trials."""
    damaged = f"; {len(problems)} damaged, the first: {problems[0]}" if problems else ""
    if tuning:
        return f"no final result in {place}, only {counted(tuning, 'tuning trial')}, not scored on test{damaged}"
    return f"no result in {place}: results are files named <12 hex digits>.json{damaged}"


def _inside(folder: Path, exclude: Path | None) -> Path | None:
    """The resolved path to exclude, if it is below the folder."""
    excluded = exclude.resolve() if exclude else None
    return excluded if excluded and folder.resolve() in excluded.parents and excluded.exists() else None


def _result_files(folder: Path, excluded: Path | None, problems: list[str]) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.exists():
        raise UserError(f"no such folder or file: {folder}")
    root = folder.resolve()
    found = []
    for here, folders, files in os.walk(folder, onerror=lambda error: problems.append(_unreadable(error))):
        real = root / Path(here).relative_to(folder)
        # A folder named like a trial holds its artifacts, whose JSON files are not results.
        folders[:] = [name for name in folders if not ID.fullmatch(name) and real / name != excluded]
        found += [Path(here, name) for name in files if _is_result(name) and real / name != excluded]
    return sorted(found)


def _unreadable(error: OSError) -> str:
    return f"cannot read {error.filename}: {error.strerror or type(error).__name__}"


def _is_result(name: str) -> bool:
    return name.endswith(".json") and ID.fullmatch(name.removesuffix(".json")) is not None


def newest(results: Iterable[Stored]) -> tuple[list[Stored], int]:
    """One result per id (the one that ended last), and how many older ones were left out."""
    kept: dict[str, Stored] = {}
    count = 0
    for stored in results:
        count += 1
        known = kept.get(stored.result["id"])
        if known is None or _ended(stored) > _ended(known):
            kept[stored.result["id"]] = stored
    return list(kept.values()), count - len(kept)


def _ended(stored: Stored) -> datetime:
    return read_time(stored.result["provenance"]["finished"])
