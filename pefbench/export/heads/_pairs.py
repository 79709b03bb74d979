"""The layout of two texts in one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.heads._pairs import Template
    from pefbench.inference.kind import Json


def laid_out(around: Template, max_length: int) -> Json:
    """The tokens before, between and after two texts, their room, and the `token_type_ids` of a row's five parts."""
    parts = {"before": around.before, "between": around.between, "after": around.after}
    ids = {name: ids.tolist() for name, ids in parts.items()}
    return {**ids, "types": list(around.segments), "room": around.room(max_length)}
