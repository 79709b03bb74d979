"""Comparison files over a tiny world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World


def values(world: World, **changes: Any) -> dict[str, Any]:
    """Return a comparison of head_only and LoRA, two rates and two seeds; ``methods__lora={...}`` sets a method."""
    found: dict[str, Any] = {
        "recipe": world.recipe("base", train__epochs=0.5).name,
        "trials": 2,
        "seeds": [1, 2],
        "methods": {
            "head": {"method": {"name": "head_only"}, "search": {"train.learning_rate": [0.001, 0.003]}},
            "lora": {"method": {"name": "lora", "rank": 4}, "search": {"train.learning_rate": [0.001, 0.01]}},
        },
    }
    for path, value in changes.items():
        section, _, key = path.partition("__")
        if key:
            found[section][key] = value
        elif value is ...:
            del found[section]
        else:
            found[section] = value
    return found


def write(world: World, stem: str = "tiny_compare", /, **changes: Any) -> Path:
    """Write a comparison file; return its path."""
    file = world.folder / f"{stem}.yaml"
    file.write_text(yaml.safe_dump(values(world, **changes), sort_keys=False), encoding="utf8")
    return file
