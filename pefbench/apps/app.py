"""What an application is: what it trains, and the HTTP application that it then is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic

from pefbench.apps.sections import AppSection, Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from pefbench.apps.sections import TrainingSection
    from pefbench.server import Settings


class App(ABC, Generic[Config]):
    """An application. An instance is `APP` in `apps/NAME/app.py`."""

    section: ClassVar[type[AppSection]]
    """The type of its configuration."""

    def before_training(self, config: Config) -> None:
        """Write what the models are trained by, where that follows from the configuration. Raises a UserError."""

    @abstractmethod
    def trainings(self, config: Config) -> Mapping[str, TrainingSection]:
        """The models that it needs, by the names that it calls them by."""

    def after_training(self, config: Config, models: Mapping[str, Path]) -> Iterable[str]:  # noqa: ARG002 - for those that do
        """Do what else must be done once before it can start, such as choosing thresholds on validation.

        models: the folders of the trained trials, by name. Returns lines for people.
        """
        return ()

    @abstractmethod
    def make(self, config: Config, models: Mapping[str, Path], settings: Settings) -> FastAPI:
        """The HTTP application, its models loaded. Raises a UserError for what is missing or wrong."""
