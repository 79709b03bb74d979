"""The result file: its schema, its id, and how it is written, read and collected.

One trial is one file ``results/<recipe>/<id>.json``; what it saved lies beside it in the folder ``<id>/``.
Only the standard library is imported here, so that `table` and `check` start at once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NotRequired,
    TypedDict,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pefbench.classification_report import Report  # noqa: TC001 - the schema is read at run time
from pefbench.errors import DataError, OutputError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    _Check = Callable[[Any], str | None]

SCHEMA = 1
TEMPORARY_PREFIX = ".tmp-"
_ID = re.compile(r"[0-9a-f]{12}")


class Hardware(TypedDict):
    """What the trial ran on."""

    cpu: str  # model name of the processor
    cores: int  # cores that the trial could use
    threads: int  # threads that each process did use
    memory_bytes: int  # main memory
    gpu: str | None  # model name of the accelerator; null on a CPU


class Provenance(TypedDict):
    """Where a result comes from: enough to run it again."""

    command: str  # the command line
    commit: str | None  # git commit of pefbench; null outside a checkout
    dirty: bool | None  # whether that checkout had changes; null outside a checkout
    packages: dict[str, str]  # name -> version
    hardware: Hardware
    world_size: int  # processes
    precision: str  # fp32 | bf16 | fp16, never auto
    started: str  # ISO 8601, UTC
    finished: str  # ISO 8601, UTC; for a failed trial the time of the failure


class Split(TypedDict):
    """The size of one split, as used."""

    examples: int  # after max_examples
    tokens: int  # without padding
    dropped: int  # examples left out, such as those whose text a later split has


class Data(TypedDict):
    """The data set."""

    source: str  # as in the recipe
    fingerprint: str  # hash of the rows
    splits: dict[str, Split]  # train | validation | test


class Model(TypedDict):
    """The base model and what the method trains of it."""

    name: str  # as in the recipe
    fingerprint: str  # hash of the base weights
    parameters: int  # all, including what the method adds
    trainable_parameters: int
    trainable_percent: float  # 100 * trainable_parameters / parameters
    adapter_bytes: int | None  # size of the saved weights; null when nothing was saved


class Phase(TypedDict):
    """The cost of one phase."""

    seconds: float  # wall clock
    peak_memory_bytes: int  # of the accelerator, or of the process on a CPU


class TrainPhase(Phase):
    """The cost of training; tokenising and evaluation are not in it."""

    steps: int  # optimizer steps
    tokens: int  # seen in training, without padding
    padding_fraction: float  # padding / (tokens + padding), 0 to 1
    tokens_per_second: float  # without padding


class Phases(TypedDict):
    """The phases that the trial reached."""

    load: NotRequired[Phase]
    tokenize: NotRequired[Phase]
    train: NotRequired[TrainPhase]
    evaluate: NotRequired[Phase]


class Metric(TypedDict):
    """One metric on one split."""

    value: float  # in the metric's own unit
    low: float | None  # 95 % interval; null where there is none
    high: float | None
    examples: int  # scored
    higher_is_better: bool
    signature: str  # everything that changes the number; only equal signatures may be compared


class Artifacts(TypedDict):
    """What the trial saved; paths are relative to the result file."""

    folder: str | None  # adapter or model
    predictions: str | None  # one row per test example


class RoundTrip(TypedDict):
    """The saved model, loaded in a fresh process and asked again."""

    reproduced: bool  # the same predictions
    examples: int  # compared
    seconds: float


class Result(TypedDict):
    """One trial. A failed one lacks what it did not reach."""

    schema: int  # SCHEMA
    id: str  # trial_id(recipe, data fingerprint)
    status: Literal["finished", "failed"]
    error: str | None  # one line; null when finished
    recipe: dict[str, Any]  # fully resolved; `name` is the stem of the recipe file
    provenance: Provenance
    data: NotRequired[Data]
    model: NotRequired[Model]
    phases: NotRequired[Phases]
    metrics: NotRequired[dict[str, dict[str, Metric]]]  # split -> name -> metric
    headline: NotRequired[str]  # name of the metric that trials are ranked by, on test
    report: NotRequired[dict[str, Report]]  # name of the report -> report, on test
    curve: NotRequired[list[dict[str, Any]]]  # step, epoch, loss, learning_rate, ...
    artifacts: NotRequired[Artifacts]
    round_trip: NotRequired[RoundTrip | None]  # null when it was not asked for
    warnings: NotRequired[list[str]]


class _Named(TypedDict):
    name: str


class _RecipeKeys(TypedDict):
    """What table and check read of a recipe."""

    name: str
    task: str
    model: _Named
    method: _Named
    train: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A result and where it lies."""

    path: Path
    result: Result


@dataclass(frozen=True, slots=True)
class Loaded:
    """The results of a folder, sorted by path, and one line for each file that is damaged."""

    results: list[Stored]
    problems: list[str]


def trial_id(recipe: Mapping[str, Any], fingerprint: str) -> str:
    """Return the 12 hex digits that name a trial: a hash of the resolved recipe and the data's `fingerprint`.

    The recipe's own name is left out: a renamed file is the same trial.
    """
    content = {key: value for key, value in recipe.items() if key != "name"}
    canonical = json.dumps([content, fingerprint], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def readable(value: float, unit: str = "") -> str:
    """Return a count or a size in decimal units: ``1.2 M``, ``3.4 MB``, ``512 B``."""
    power = 0
    while abs(value) >= 999.5 and power < 4:
        value /= 1000
        power += 1
    digits = 1 if power and abs(value) < 99.95 else 0
    return f"{value:.{digits}f} {'kMGT'[power - 1 : power]}{unit}".rstrip()


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` so that there is always the old file or the whole new one, also after a power cut.

    Raises OutputError when the file cannot be written, ValueError for NaN and infinity (which are not JSON).
    """
    content = json.dumps(value, indent=1, allow_nan=False) + "\n"
    # In the same folder, because a rename is atomic only within one file system.
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(temporary, content)
            os.replace(temporary, path)  # noqa: PTH105 - the call that the promise of atomicity rests on
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error)}") from error


def _write_synced(path: Path, content: str) -> None:
    with path.open("x", encoding="utf8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Makes the rename durable. Some file systems cannot do this; the file itself is whole either way.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full; make room, or choose another folder with --out"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{(error.strerror or 'not allowed').lower()}; choose a folder that you may write to with --out"
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return f"{error.filename or 'a part of the path'} is a file, not a folder; choose another folder with --out"
    return error.strerror or type(error).__name__


def check_writable(folder: Path, needed_bytes: int) -> None:
    """Create `folder` and make sure that a trial can write `needed_bytes` to it; call it before training.

    Raises OutputError when the folder cannot be written to or its disk has too little room.
    """
    probe = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(probe, "probe\n")
        finally:
            probe.unlink(missing_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"cannot write to the folder {folder}: {_reason(error)}") from error
    if free < needed_bytes:
        need, have = readable(needed_bytes, "B"), readable(free, "B")
        raise OutputError(f"too little room in {folder}: {need} needed, {have} free; make room or choose another --out")


def _no_constant(name: str) -> float:
    raise ValueError(f"it holds {name}, which is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def read_result(path: Path) -> Result:
    """Read one result file. Raises DataError when it is damaged, foreign or of another schema."""
    try:
        value = _DECODER.decode(path.read_text(encoding="utf8"))
    except OSError as error:
        raise DataError(_unreadable(error)) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: damaged result: not UTF-8 text") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise DataError(f"{path}: damaged result: not a whole JSON file ({error.msg}, {where})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged result: {error}") from error
    if problem := _problem(value):
        raise DataError(f"{path}: {problem}")
    return cast("Result", value)


def _problem(value: Any) -> str | None:  # noqa: ANN401 - whatever a file may hold
    """Return what keeps a JSON value from being a result, or None. Drops the nulls of what was not reached."""
    if not isinstance(value, dict) or "schema" not in value:
        return "not a pefbench result (an object with a field 'schema' was expected)"
    if type(value["schema"]) is int and value["schema"] > SCHEMA:
        return f"written by a newer pefbench (schema {value['schema']}, this one reads {SCHEMA}); update pefbench"
    if value["schema"] != SCHEMA or value["schema"] is True:
        return f"unknown schema {value['schema']!r}; this pefbench reads schema {SCHEMA}"
    for name in _NOT_REACHED:
        if name in value and value[name] is None:
            del value[name]
    problem = _checker(Result)(value)
    if problem is None and (inner := _checker(_RecipeKeys)(value["recipe"])):
        problem = f".recipe{inner}"
    return f"damaged result: {problem[1:]}" if problem else _inconsistency(cast("Result", value))


def _optional(kind: Any) -> frozenset[str]:  # noqa: ANN401 - a TypedDict class has no type of its own
    # __optional_keys__ misses NotRequired where annotations are postponed.
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if get_origin(hint) is NotRequired)


_NOT_REACHED = _optional(Result)


def _inconsistency(result: Result) -> str | None:
    if not _ID.fullmatch(result["id"]):
        return f"damaged result: id should be 12 hex digits, is {result['id']!r}"
    for name in ("started", "finished"):
        try:
            _time(result["provenance"][name])
        except ValueError:
            return f"damaged result: provenance.{name} should be a time in ISO 8601"
    return _unfinished(result) if result["status"] == "finished" else None


def _unfinished(result: Result) -> str | None:
    for name in ("data", "model", "phases", "metrics", "headline"):
        if name not in result:
            return f"damaged result: {name} is missing, though the trial finished"
    if "train" not in result["phases"]:
        return "damaged result: phases.train is missing, though the trial finished"
    if result["headline"] not in result["metrics"].get("test", {}):
        return f"damaged result: the headline metric {result['headline']!r} is missing in metrics.test"
    return None


_PLAIN: dict[Any, tuple[str, frozenset[type]]] = {
    str: ("a string", frozenset({str})),
    int: ("an integer", frozenset({int})),
    float: ("a finite number", frozenset({int, float})),
    bool: ("true or false", frozenset({bool})),
    Any: ("anything", frozenset()),
}


@cache
def _checker(kind: Any) -> _Check:  # noqa: ANN401 - any annotation of the schema
    """Compile a type of the schema into a function: value -> None, or ``.field.name should be ...``.

    Compiled once, because thousands of files are checked.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        return _record(kind)
    if origin is dict:
        return _collection(dict, "an object", _checker(arguments[1]))
    if origin is list:
        return _collection(list, "a list", _checker(arguments[0]))
    if origin is Literal:
        return lambda value: None if value in arguments else f" should be {' or '.join(arguments)}"
    if type(None) in arguments:
        inner = _checker(next(each for each in arguments if each is not type(None)))
        return lambda value: None if value is None else inner(value)
    return _plain(*_PLAIN[kind])


def _plain(name: str, accepted: frozenset[type]) -> _Check:
    # The exact type, because True is an int to isinstance. JSON's 1e999 is read as infinity.
    if float in accepted or int in accepted:
        return lambda value: None if type(value) in accepted and -1e300 < value < 1e300 else f" should be {name}"
    return lambda value: None if type(value) in accepted or not accepted else f" should be {name}"


def _collection(kind: type[dict[str, Any] | list[Any]], name: str, item: _Check) -> _Check:
    def check(value: Any) -> str | None:  # noqa: ANN401
        if type(value) is not kind:
            return f" should be {name}"
        items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        return next((f".{key}{problem}" for key, each in items if (problem := item(each))), None)

    return check


def _record(kind: Any) -> _Check:  # noqa: ANN401 - a TypedDict class has no type of its own
    fields = {name: _checker(hint) for name, hint in get_type_hints(kind).items()}
    optional = _optional(kind)

    def check(value: Any) -> str | None:  # noqa: ANN401
        if type(value) is not dict:
            return " should be an object"
        for name, checker in fields.items():
            if name in value:
                if problem := checker(value[name]):
                    return f".{name}{problem}"
            elif name not in optional:
                return f".{name} is missing"
        return None

    return check


def load_results(folder: Path, *, exclude: Path | None = None) -> Loaded:
    """Read every result below `folder` (or the one file that it is), but not what lies in `exclude`.

    Raises UserError when there is no readable result at all.
    """
    results: list[Stored] = []
    problems: list[str] = []
    try:
        paths = _result_files(folder, exclude, problems)
    except OSError as error:
        raise UserError(_unreadable(error)) from error
    for path in paths:
        try:
            results.append(Stored(path, read_result(path)))
        except DataError as error:
            problems.append(str(error))
    if not results:
        damaged = f"; {len(problems)} damaged, the first: {problems[0]}" if problems else ""
        raise UserError(f"no result in {folder}: results are files named <12 hex digits>.json{damaged}")
    return Loaded(results, problems)


def _result_files(folder: Path, exclude: Path | None, problems: list[str]) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.exists():
        raise UserError(f"no such folder or file: {folder}")
    root, excluded = folder.resolve(), exclude.resolve() if exclude else None
    found = []
    for here, folders, files in os.walk(folder, onerror=lambda error: problems.append(_unreadable(error))):
        real = root / Path(here).relative_to(folder)
        # A folder named like a trial holds its artifacts, whose JSON files are none of ours.
        folders[:] = [name for name in folders if not _ID.fullmatch(name) and real / name != excluded]
        found += [Path(here, name) for name in files if _is_result(name) and real / name != excluded]
    return sorted(found)


def _unreadable(error: OSError) -> str:
    return f"cannot read {error.filename}: {error.strerror or type(error).__name__}"


def _is_result(name: str) -> bool:
    return name.endswith(".json") and _ID.fullmatch(name.removesuffix(".json")) is not None


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def newest(results: Iterable[Stored]) -> tuple[list[Stored], int]:
    """Return one result per id, the one that ended last, and how many older ones were left out."""
    kept: dict[str, Stored] = {}
    count = 0
    for stored in results:
        count += 1
        known = kept.get(stored.result["id"])
        if known is None or _ended(stored) > _ended(known):
            kept[stored.result["id"]] = stored
    return list(kept.values()), count - len(kept)


def _ended(stored: Stored) -> datetime:
    return _time(stored.result["provenance"]["finished"])
