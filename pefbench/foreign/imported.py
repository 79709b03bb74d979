"""One imported run: its result, and its answers if the tool recorded them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pefbench.foreign.reading import short_digest
from pefbench.results.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.results.predictions import AnsweredExample
    from pefbench.results.schema import Foreign, Provenance, Reached, Result

UNKNOWN = "unknown"
"""The base model, the method or the precision of a run if the tool does not record it."""

UNVERIFIED = "unverified:"
"""Prefix of a fingerprint that is only a name, because the tool did not record the content."""


@dataclass(frozen=True)
class Imported:
    """A result without its file, and a row for each test example; no rows if there are only scores."""

    result: Result
    rows: list[AnsweredExample] = field(default_factory=list)


def result_of(
    foreign: Foreign,
    recipe: Mapping[str, Any],
    provenance: Provenance,
    reached: Reached,
    *,
    measured: Sequence[str],
    error: str | None = None,
) -> Result:
    """A result. measured: what its id is a hash of, besides tool and task: digests of the files' content."""
    return {
        **reached,
        "schema": SCHEMA,
        "id": short_digest([foreign["tool"], recipe["task"], *measured]),
        "status": "finished" if error is None else "failed",
        "error": error,
        "recipe": dict(recipe),
        "scored": sorted({"test", *reached.get("metrics", {})}),
        "provenance": provenance,
        "foreign": foreign,
    }


def provenance(file: str, finished: str, started: str, precision: str, packages: Mapping[str, object]) -> Provenance:
    """The provenance of an imported result, which importing `file` reproduces. Versions that are not text are left out.

    It has only what the tool recorded, not this machine or this version of pefbench.
    """
    return {
        "command": shlex.join(["pefbench", "import", file]),
        "commit": None,
        "dirty": None,
        "packages": {name: version for name, version in packages.items() if isinstance(version, str)},
        "precision": precision,
        "started": started,
        "finished": finished,
    }
