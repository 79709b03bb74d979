"""What the operator decides of a server."""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pefbench.atomic import reason
from pefbench.errors import DataError, SourceError, counted, suggest

if TYPE_CHECKING:
    from pathlib import Path

KEYS = "PEFBENCH_API_KEYS"
"""The environment variable with API keys, a comma between them."""
SHORTEST_KEY = 16
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names of models: no separator, and none that begins with a dot."""


@dataclass(frozen=True)
class Settings:
    """models: the folder from which models may be loaded while the server runs. keys: without any, all are let in.

    body: the most bytes of a request. inputs: the most of a request. characters: the most of an input. patience: the
    seconds in which what was taken is answered at the end.
    """

    models: Path | None = None
    keys: tuple[str, ...] = ()
    body: int = 2**20
    inputs: int = 64
    characters: int = 100_000
    patience: float = 30.0

    def lets_in(self, authorization: str) -> bool:
        """Whether an Authorization header has one of the keys. It takes as long for a wrong key as for a right one."""
        if not self.keys:
            return True
        given = authorization.removeprefix("Bearer ").strip().encode("utf8", "surrogateescape")
        return sum(hmac.compare_digest(given, key.encode()) for key in self.keys) > 0  # all are compared

    def folder(self, name: str) -> Path:
        """The folder of a model that may be loaded. Raises DataError for another name."""
        if self.models is None:
            raise DataError("this server does not load models; its operator can allow it with --models")
        places = self._places()
        if name not in places:
            raise DataError(f"no model {name[:100]!r} can be loaded; {suggest(name[:100], places)}")
        return places[name]

    def there(self) -> list[str]:
        """The names of the models that may be loaded."""
        return sorted(self._places())

    def _places(self) -> dict[str, Path]:
        """The models by name: their folders' own, or RECIPE.ID where trials lie as in a folder of results."""
        if self.models is None or not self.models.is_dir():
            return {}
        from pefbench.trial.saved import TRIAL  # takes seconds

        found: dict[str, Path] = {}
        for folder in (path for path in self.models.iterdir() if path.is_dir()):
            trials = {f"{folder.name}.{file.parent.name}": file.parent for file in folder.glob(f"*/{TRIAL}")}
            found |= trials or {folder.name: folder}
        return {name: folder for name, folder in found.items() if NAME.fullmatch(name)}


def read_keys(file: Path | None = None) -> tuple[str, ...]:
    """The API keys: a file's lines, or those in the environment. Raises SourceError for a file without any."""
    if file is None:
        where, text = KEYS, os.environ.get(KEYS, "").replace(",", "\n")
    else:
        where = str(file)
        try:
            text = file.read_text(encoding="utf8")
        except OSError as error:
            raise SourceError(f"{file}: the API keys cannot be read: {reason(error)}") from None
        except ValueError:
            raise SourceError(f"{file}: the API keys cannot be read: it is not UTF-8 text") from None
    found = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if file is not None and not found:
        raise SourceError(f"{file}: holds no API key; write one a line")
    if short := sum(len(key) < SHORTEST_KEY for key in found):
        raise SourceError(f"{where}: {counted(short, 'API key')} with fewer than {SHORTEST_KEY} characters")
    return found
