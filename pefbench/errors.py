"""The tree of errors.

::

    PefbenchError                exit 1
    ├── UserError                exit 2: the input is wrong; nothing was trained
    │   ├── RecipeError          a key, a value or a name in a recipe or an override
    │   ├── SourceError          data or weights that cannot be obtained: missing file, no network, wrong checksum
    │   ├── DataError            rows that cannot be used: a missing column, a mixed tag scheme, an empty split
    │   ├── MethodError          a method that cannot work on this model or this head
    │   ├── OutputError          a results folder that cannot be written, a disk without room
    │   └── SandboxError         a machine on which generated code cannot be run safely
    ├── HeldError                exit 1: another process runs the same trial
    ├── ExportError              exit 1: an export does not answer as the trial does, and was removed
    └── TrialError               exit 1: the trial started and failed; its result says why
        ├── DivergedError        a loss that is not finite
        ├── OutOfMemoryError     the GPU or the machine ran out of memory
        ├── PreemptedError       it was told to stop, and has written a checkpoint
        ├── PrunedError          a search stopped it early: other settings are better
        └── RoundTripError       the saved model does not predict what the trained one did

Every message is one line that says what is wrong, where, and what would be right. Only `cli` prints them.
An exception outside this tree is our mistake and keeps its traceback.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


LONGEST = 499
"""The maximum length of a message in characters, whatever value it quotes."""


class PefbenchError(Exception):
    """Base of all errors that pefbench raises on purpose. The message is one line of at most `LONGEST` characters."""

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class UserError(PefbenchError):
    """The user's input is wrong; raised before training."""

    exit_status = 2


class RecipeError(UserError):
    """A recipe or an override has a wrong key, value or name."""


class SourceError(UserError):
    """Data or weights cannot be obtained from the source that the recipe names."""


class DataError(UserError):
    """Rows do not meet the task's requirements."""


class MethodError(UserError):
    """A method cannot work on this model or this head."""


class OutputError(UserError):
    """A results folder cannot be written or has too little room."""


class SandboxError(UserError):
    """This machine cannot run generated programs safely."""


class HeldError(PefbenchError):
    """Another process is running the trial."""


class ExportError(PefbenchError):
    """An export does not answer as the trial does."""


class TrialError(PefbenchError):
    """A trial started and failed."""


class DivergedError(TrialError):
    """Training reached a loss that is not finite."""


class OutOfMemoryError(TrialError):
    """The GPU or the machine ran out of memory."""


class PreemptedError(TrialError):
    """The trial was told to stop, and has written a checkpoint."""


class PrunedError(TrialError):
    """A search stopped the trial early because other settings were better."""


class RoundTripError(TrialError):
    """The reloaded model does not reproduce the predictions."""


def one_line(text: str) -> str:
    """The message without line breaks and control characters; if it is too long, its middle is left out."""
    line = "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 165]} ... {line[-160:]}"


def quoted(value: object, longest: int = 80) -> str:
    """A value's Python representation, for a message; truncated if it is long."""
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits
        text = "a number with thousands of digits"
    except RecursionError:
        text = f"a {type(value).__name__} that is nested too deeply"
    return text if len(text) <= longest else f"{text[:longest]}..."


def counted(number: int, noun: str, several: str | None = None) -> str:
    """A number with its noun, for a message: ``1 field``, ``2 fields``. several: the plural, if it is irregular."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"


def suggest(name: str, valid: Iterable[str]) -> str:
    """``did you mean 'x'? valid: a, b, x``, or only the list if no name is similar."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    listing = f"valid: {', '.join(names)}" if names else "there are none"
    return f"did you mean {near[0]!r}? {listing}" if near else listing
