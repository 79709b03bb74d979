"""What `accelerate launch` requests from its workers, through environment variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pefbench import hardware
from pefbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Setting(NamedTuple):
    """A setting that must have one certain value here."""

    variable: str
    name: str
    """The name in accelerate's file."""
    works: str
    reason: str
    """Why only that value works."""
    unset: str = "false"
    """accelerate's default if the variable is not set."""


def wants(variable: str) -> bool:
    """Whether the launcher sets this variable to true."""
    return os.environ.get(variable, "false").lower() in hardware.YES


def check(what: str, settings: Iterable[Setting]) -> None:
    """Raise UserError if one of the settings has a value that does not work. what: their owner, such as FSDP."""
    for setting in settings:
        found = os.environ.get(setting.variable, setting.unset)
        if found.lower() != setting.works:
            raise UserError(f"{what}: {setting.name} is {found}; it must be {setting.works}: {setting.reason}")
