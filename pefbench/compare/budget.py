"""The tuning budget of each method: a number of settings, or a number of training examples seen.

The unit of `compute` is one training example seen once, forward and backward. A trial sees its training split (after
`train.max_examples`) once per epoch of `train.epochs`. A method's total is the sum over all its settings and tuning
seeds. A trial that diverges or stops early counts in full. Time per example does not count: a method can try more
settings than another if it needs fewer epochs, but not because its steps are faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pefbench.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from pefbench.recipe import Recipe


@dataclass(frozen=True)
class Budget:
    """The budget of each method of a comparison.

    trials: number of settings; None if compute limits them. compute: training examples seen. seeds: number of tuning
    seeds. examples: size of the training split; None until the data is read.
    """

    trials: int | None
    compute: int | None
    seeds: int
    examples: int | None = None

    def cost(self, setting: Recipe) -> int:
        """The training examples that the trials of one setting see, over all tuning seeds."""
        if self.examples is None:
            raise AssertionError("the size of the training split is not known yet")
        return seen(setting.train.epochs, self.examples) * self.seeds

    def allows(self, tried: Sequence[Recipe], further: Recipe) -> bool:
        """Whether a method that has tried these settings may try a further one."""
        if self.compute is None:
            return self.trials is None or len(tried) < self.trials
        return self.spent(tried) + self.cost(further) <= self.compute

    def could_allow(self, tried: Sequence[Recipe], search: Container[str]) -> bool:
        """Whether the budget could allow any further setting. search: the searched fields."""
        return (self.compute is not None and "train.epochs" in search) or self.allows(tried, tried[0])

    def spent(self, tried: Iterable[Recipe]) -> int:
        """The training examples that a method's settings see in tuning."""
        return sum(map(self.cost, tried))

    def left(self, tried: Sequence[Recipe]) -> int:
        """How many more settings a method may try, if each costs as much as its cheapest one."""
        if self.compute is None:
            return (self.trials or 0) - len(tried)
        return (self.compute - self.spent(tried)) // min(map(self.cost, tried))

    def check(self, method: str, tried: Sequence[Recipe]) -> None:
        """Raise RecipeError if a method's first settings exceed the budget."""
        if self.compute is not None and (needed := self.spent(tried)) > self.compute:
            raise RecipeError(
                f"compute: {self.compute:,} training examples are too few for {method}, whose first {len(tried)} "
                f"settings see {needed:,}; raise it, or search fewer values or fewer epochs"
            )


def seen(epochs: float, examples: int) -> int:
    """The training examples that one trial sees."""
    return max(1, round(epochs * examples))
