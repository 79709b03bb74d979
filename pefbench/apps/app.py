"""The interface of applications: the models to train, and the HTTP application that uses them."""

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
    """An application; `APP` in `apps/NAME/app.py` is an instance."""

    section: ClassVar[type[AppSection]]
    """The type of its configuration."""

    def before_training(self, config: Config) -> None:
        """Write training data that depend on the configuration. Raises a UserError."""

    @abstractmethod
    def trainings(self, config: Config) -> Mapping[str, TrainingSection]:
        """The models that it needs, by the application's names for them."""

    def check(self, config: Config, models: Mapping[str, Path]) -> None:
        """Before anything is trained, check those models that the configuration says are trained already.

        models: the folders of their trials, by name. Raises DataError for a model that the application cannot use.
        """

    def after_training(self, config: Config, models: Mapping[str, Path]) -> Iterable[str]:  # noqa: ARG002 - subclasses use them
        """Prepare everything else that is needed before the first start, such as thresholds chosen on validation.

        models: the folders of the trained trials, by name. Returns lines to print.
        """
        return ()

    @abstractmethod
    def make(self, config: Config, models: Mapping[str, Path], settings: Settings) -> FastAPI:
        """Make the HTTP application and load its models. Raises a UserError if something is missing or wrong."""
