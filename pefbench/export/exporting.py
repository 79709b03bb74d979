"""Export a trial: write it to a temporary folder, replay it, and keep it only if it answers like the trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pefbench import __version__, atomic
from pefbench.errors import ExportError, OutputError
from pefbench.export import card
from pefbench.export import format as formats
from pefbench.export.original import read
from pefbench.export.replay import replay
from pefbench.trial.saved import digests

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.export.format import Options
    from pefbench.export.original import Original
    from pefbench.inference.kind import Json

ABOUT = "export.json"
"""Describes an export; it is written last."""


class Exported(NamedTuple):
    """The result of an export.

    size: bytes of all files. replay: the result of the replay, in sentences; empty if the export already existed.
    """

    size: int
    replay: str
    notes: list[str]


def export(
    trial: Path, to: Path, name: str, options: Options, *, base: str | None = None, most: int | None = None
) -> Exported:
    """Export a trial in the format `name` to the folder `to`; see `original.read` for `base` and `most`.

    Raises ExportError if the export answers differently from the trial; a UserError if this export is impossible.
    """
    fmt = formats.find(name, options)
    _check_place(to)
    original = read(trial, base, most, as_predict=fmt.as_predict)
    about = {"trial": original.result["id"], "format": name, **options.chosen(), "replayed": len(original.examples)}
    if there := _there(to, about):
        return there
    fmt.check(original, options)
    model = original.model()
    expected = original.answers(model, original.tokenizer)
    recorded = original.recorded_alike(model, expected)
    _check_recorded(original, recorded)
    with atomic.writing_folder(to) as partial:
        notes = fmt.write(original, model, partial, options)
        found = fmt.answers(original, partial)
        most_far = None if options.rounds else fmt.tolerance
        outcome = replay(original, expected, found, recorded, most=most_far)
        card.write(partial, name, fmt, original, options, outcome, notes)
        stated: Json = {**about, "pefbench": __version__, "files": digests(partial)}
        (partial / ABOUT).write_text(f"{json.dumps(stated, indent=1)}\n", encoding="utf8")
    said = [*notes, *fmt.served(original, options, to)]
    return Exported(_size(to), card.replay_lines(fmt, original, options, outcome), said)


LEAST_RECORDED = 0.8
"""If the trial computed in less than fp32: the share of its recorded answers that its model must reproduce in fp32."""


def _check_recorded(original: Original, recorded: int) -> None:
    """Raise ExportError if the trial's model does not reproduce the recorded answers, beyond rounding."""
    rounded = 0 if original.head.generates else LEAST_RECORDED * len(original.examples)
    least = len(original.examples) if original.precision == "fp32" else rounded
    if recorded < least:
        raise ExportError(
            f"{original.folder}: in fp32 the saved model reproduces {recorded} of the trial's "
            f"{len(original.examples)} recorded predictions; nothing was exported"
        )


def _check_place(to: Path) -> None:
    """Raise OutputError if no export can be written here, unless an export is here already."""
    if to.is_file() or (to.is_dir() and any(to.iterdir()) and not (to / ABOUT).is_file()):
        raise _taken(to)
    atomic.check_writable(to)


def _taken(to: Path) -> OutputError:
    return OutputError(f"--to {to}: already exists and is not this export; name another folder, or remove it")


def _there(to: Path, about: Mapping[str, Any]) -> Exported | None:
    """The same export if it already exists, complete; else None. Raises OutputError if something else is there."""
    if not to.exists() or (to.is_dir() and not any(to.iterdir())):
        return None
    try:
        stated = json.loads((to / ABOUT).read_text(encoding="utf8"))
        known = {name: stated.get(name) for name in about} == about
        found = {name: digest for name, digest in digests(to).items() if name != ABOUT}
    except (OSError, ValueError, AttributeError):
        known = False
    if known and stated.get("files") == found:
        return Exported(_size(to), "", [])
    raise _taken(to)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
