"""The layout of two texts in one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.heads._pairs import Template
    from pefbench.inference.kind import Json


def laid_out(around: Template) -> Json:
    """The tokens before, between and after two texts, and the `token_type_ids` of the five parts of a row."""
    parts = {"before": around.before, "between": around.between, "after": around.after}
    return {name: ids.tolist() for name, ids in parts.items()} | {"types": list(around.segments)}
