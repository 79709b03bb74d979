"""The user's limits: what a method may cost, how good it must be, and which of the qualifying ones is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from pefbench.analysis.tables import readable_seconds
from pefbench.errors import UserError
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.analysis.tables.replicates import Replicates

Preference = Literal["weights", "quality", "adapter", "memory", "time"]
PREFERENCES = get_args(Preference)
RULES = {
    "weights": "the fewest weights trained",
    "quality": "the best metric",
    "adapter": "the fewest bytes saved",
    "memory": "the least memory in training",
    "time": "the shortest training",
}


@dataclass(frozen=True)
class Limits:
    """The user's limits and preference."""

    memory: float | None = None
    """Peak memory of training, bytes."""

    adapter: float | None = None
    """Saved weights, bytes."""

    seconds: float | None = None
    """Duration of training."""

    within: float = 0.95
    """Share of full fine-tuning's metric to reach; if lower is better, a metric of up to 1 / share is allowed."""

    errors: float | None = None
    """Instead of `within`: allowed multiple of full fine-tuning's error, its distance to the best value."""

    prefer: Preference = "weights"

    def __post_init__(self) -> None:
        if not 0 < self.within <= 1:
            raise UserError(f"--within {self.within:g}: should be above 0 and at most 1, as in 0.95")
        if self.errors is not None and not 1 <= self.errors < float("inf"):
            raise UserError(f"--max-errors {self.errors:g}: should be 1 or more, as in 1.2 for 20 % more errors")

    @property
    def quality(self) -> str:
        """The limit on quality, as the user writes it."""
        return f"--within, {self.within:g}" if self.errors is None else f"--max-errors, {self.errors:g}"


def too_costly(each: Replicates, limits: Limits, excluded: dict[str, list[str]]) -> bool:
    """Whether a setting exceeds a limit; notes it in `excluded` under each exceeded limit."""
    size = each.adapter_bytes
    costs: list[tuple[str, float | None, float | None, Callable[[float], str]]] = [
        ("--max-memory", limits.memory, each.memory_bytes, in_bytes),
        ("--max-adapter", limits.adapter, size, in_bytes),
        ("--max-train-time", limits.seconds, each.seconds, readable_seconds),
    ]
    over = False
    for option, limit, cost, spell in costs:
        if limit is not None:
            found = excluded.setdefault(f"{option}, {spell(limit)}", [])
            if cost is None or cost > limit:
                found.append(f"{each.name} ({'not recorded' if cost is None else spell(cost)})")
                over = True
    return over


def preferred(members: Sequence[Replicates], preference: Preference) -> Preference:
    """What decides among settings: the preferred cost, or quality if that cost is unknown for all of them."""
    return preference if any(_known_cost(each, preference) is not None for each in members) else "quality"


def cost(each: Replicates, preference: Preference) -> float:
    """The cost to minimise; infinite if it is unknown."""
    known = _known_cost(each, preference)
    return float("inf") if known is None else known


def _known_cost(each: Replicates, preference: Preference) -> float | None:
    kinds: dict[Preference, float | None] = {
        "weights": each.trained,
        "quality": -each.sign * each.value,
        "adapter": each.adapter_bytes,
        "memory": each.memory_bytes,
        "time": each.seconds,
    }
    return kinds[preference]


def in_bytes(size: float) -> str:
    """A size in decimal units."""
    return readable(size, "B")
