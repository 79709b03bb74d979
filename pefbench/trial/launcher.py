"""What `accelerate launch` asks its workers for, which it does by environment variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pefbench import hardware
from pefbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Setting(NamedTuple):
    """A setting of which one value alone works here."""

    variable: str
    name: str
    """In accelerate's file."""
    works: str
    reason: str
    """Why it must be that."""
    unset: str = "false"
    """What accelerate takes where the variable is not set."""


def wants(variable: str) -> bool:
    """Whether the launcher asks for what this variable stands for."""
    return os.environ.get(variable, "false").lower() in hardware.YES


def check(what: str, settings: Iterable[Setting]) -> None:
    """Raise UserError where one of the settings of FSDP, say, is none that works."""
    for setting in settings:
        found = os.environ.get(setting.variable, setting.unset)
        if found.lower() != setting.works:
            raise UserError(f"{what}: {setting.name} is {found}; it must be {setting.works}: {setting.reason}")
