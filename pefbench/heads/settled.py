"""The settings that make a head without examples; saved with a trial, so that prediction needs no data.

They are JSON-able: the fields of the task's data set, except its examples, its notes, and the fields that only score
answers.
"""

from __future__ import annotations

import importlib
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads.search import Search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.heads.dataset import Dataset
    from pefbench.yaml_text import Values

WITHOUT = ("splits", "notes", "judge", "right")


def kind_of(dataset: Dataset) -> str:
    """The data set's kind: the name of its module in `heads/`, which is also the task's name for its head."""
    return type(dataset).__module__.rpartition(".")[2]


def settled(dataset: Dataset) -> Values:
    """The fields of a data set that make its head, JSON-able, including what it learned from training examples."""
    found: Any = dataset.settled()
    values = {field.name: getattr(found, field.name) for field in fields(found) if field.name not in WITHOUT}
    return {name: asdict(value) if is_dataclass(value) else value for name, value in values.items()}  # type: ignore[arg-type]


def without_examples(kind: str, values: Mapping[str, Any]) -> Dataset:
    """A data set without examples that makes the head of `settled`. Raises DataError."""
    try:
        made: Dataset = importlib.import_module(f"pefbench.heads.{kind}").DATASET(
            splits={}, **{name: Search(**value) if name == "search" else value for name, value in values.items()}
        )
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise DataError(f"no head can be made from {kind!r} and {', '.join(values)}: {error}") from None
    return made
