"""The operator's settings for a server."""

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
"""The environment variable with API keys, separated by commas."""
SHORTEST_KEY = 16
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Model names: no path separators and no leading dot."""


@dataclass(frozen=True)
class Settings:
    """models: the folder from which models may be loaded while the server runs. keys: if empty, no key is required.

    body: the most bytes in a request. inputs: the most inputs in a request. characters: the most characters in an
    input. queue: how many requests (`pefbench serve`: inputs) may wait for an answer. hosts: the only names, besides
    localhost and addresses, by which clients without a key may address it; None: any. patience: how many seconds a
    shutdown may spend on accepted requests.
    """

    models: Path | None = None
    keys: tuple[str, ...] = ()
    body: int = 2**20
    inputs: int = 64
    characters: int = 100_000
    queue: int = 1024
    hosts: tuple[str, ...] | None = None
    patience: float = 30.0

    def lets_in(self, authorization: str) -> bool:
        """Whether an Authorization header has one of the keys. Right and wrong keys take equally long."""
        if not self.keys:
            return True
        given = authorization.removeprefix("Bearer ").strip().encode("utf8", "surrogateescape")
        return sum(hmac.compare_digest(given, key.encode()) for key in self.keys) > 0  # all are compared

    def folder(self, name: str) -> Path:
        """The folder of a model that may be loaded. Raises DataError for any other name."""
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
        """Folders by model name: the folder's name, or RECIPE.ID in a results folder."""
        if self.models is None or not self.models.is_dir():
            return {}
        from pefbench.trial.saved import TRIAL  # takes seconds

        found: dict[str, Path] = {}
        for folder in (path for path in self.models.iterdir() if path.is_dir()):
            trials = {f"{folder.name}.{file.parent.name}": file.parent for file in folder.glob(f"*/{TRIAL}")}
            found |= trials or {folder.name: folder}
        return {name: folder for name, folder in found.items() if NAME.fullmatch(name)}


def read_keys(file: Path | None = None) -> tuple[str, ...]:
    """The API keys: a file's lines, or those in the environment. Raises SourceError for a file without keys."""
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
