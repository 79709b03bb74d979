"""A configuration in a YAML file, checked like a recipe: a mistake is reported in one line, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pefbench.errors import RecipeError
from pefbench.recipe import validate
from pefbench.sections import Section
from pefbench.yaml_text import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Section", "read"]

Config = TypeVar("Config", bound=Section)


def read(section: type[Config], file: Path | None) -> Config:
    """The configuration in a YAML file; without a file, the default one. Raises RecipeError, which names the file.

    section: a `Section` with the allowed fields; `section.model_json_schema()` is the schema for editors.
    """
    keys = ", ".join(section.model_fields)
    if file is None:
        return validate(section, {}, "")
    values = read_yaml(file, what="configuration", keys=keys)
    try:
        return validate(section, values, "")
    except RecipeError as error:
        raise RecipeError(f"{file}: {error}") from None
