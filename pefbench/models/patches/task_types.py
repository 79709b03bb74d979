"""Task types that PEFT does not have.

What: `TaskType`, an enumeration, gets a member, and PEFT's table of models by task type gets a class for it. Why: so
that `PeftModel.from_pretrained` makes a model of that class, and PEFT by itself refuses the adapter by the name of its
task type, where it would otherwise load it and compute something else. Since: PEFT 0.5, the first that checks the
task type of a config. Undone by `unregister`.
"""

from __future__ import annotations

from typing import Any

import aenum
from peft import MODEL_TYPE_TO_PEFT_MODEL_MAPPING, TaskType


def register(name: str, model: type[Any]) -> None:
    """Have PEFT make models of this class for adapters of this task type; a second call changes nothing."""
    if name not in TaskType.__members__:
        aenum.extend_enum(TaskType, name, name)
    MODEL_TYPE_TO_PEFT_MODEL_MAPPING[name] = model


def unregister(name: str) -> None:
    """Take a task type out of PEFT's table; the member stays in the enumeration, and means nothing by itself."""
    MODEL_TYPE_TO_PEFT_MODEL_MAPPING.pop(name, None)
