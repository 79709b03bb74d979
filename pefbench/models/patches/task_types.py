"""Task types that PEFT does not have.

What: `TaskType`, an enumeration, gets a member, and PEFT's table of models by task type gets a class for it. Why:
`PeftModel.from_pretrained` then makes a model of that class, and PEFT alone refuses the adapter by the name of its task
type; otherwise it would load it and compute something else. Since: PEFT 0.5, the first that checks the task type of a
config. Undone by `unregister`.
"""

from __future__ import annotations

from typing import Any

import aenum
from peft import MODEL_TYPE_TO_PEFT_MODEL_MAPPING, TaskType


def register(name: str, model: type[Any]) -> None:
    """Make PEFT use this model class for adapters of this task type; a second call changes nothing."""
    if name not in TaskType.__members__:
        aenum.extend_enum(TaskType, name, name)
    MODEL_TYPE_TO_PEFT_MODEL_MAPPING[name] = model


def unregister(name: str) -> None:
    """Remove a task type from PEFT's table; the member stays in the enumeration, where it has no effect."""
    MODEL_TYPE_TO_PEFT_MODEL_MAPPING.pop(name, None)
