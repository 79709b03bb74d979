"""The name of an activation as an option, checked before anything is loaded."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from pefbench.errors import RecipeError, suggest


def known(name: str) -> str:
    """The name of an activation. Raises RecipeError if transformers has no activation with this name."""
    from transformers.activations import ACT2FN

    if name not in ACT2FN:
        raise RecipeError(f"method.activation: unknown activation {name!r}; {suggest(name, ACT2FN)}")
    return name


Activation = Annotated[str, AfterValidator(known)]
