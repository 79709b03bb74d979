"""A race of the best few settings of a search: each round gives all remaining settings one more seed.

A setting that is shown to be worse than the best runs no further seeds. The significance level is shared among looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pefbench.errors import TrialError
from pefbench.search import study
from pefbench.stats import race

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optuna.trial import FrozenTrial

    from pefbench.results.verdict_schema import Setting
    from pefbench.search.tuning import Tuning

LEVEL = 0.05


@dataclass
class Runner:
    """A setting in the race. values: its validation score with each seed, in order; None if a trial failed.

    dropped: why it left: failed, or shown to be worse, with the number of seeds and the p-value.
    """

    method: str
    setting: Setting
    trial: int
    values: list[float | None] = field(default_factory=list)
    dropped: str | None = None

    @property
    def mean(self) -> float:
        """The mean over the seeds that it has run."""
        there = [value for value in self.values if value is not None]
        return sum(there) / len(there)

    @property
    def unseen(self) -> float | None:
        """The mean over the seeds after the first, which did not select it for the race; None if there are none."""
        later = [value for value in self.values[1:] if value is not None]
        return sum(later) / len(later) if later else None


def entrants(tunings: Sequence[Tuning], number: int, *, higher: bool) -> list[Runner]:
    """The best settings of all methods together, at most `number`. Raises TrialError if none was trained."""
    best: list[tuple[Tuning, FrozenTrial]] = []
    for tuning in tunings:
        best += [(tuning, trial) for trial in study.best_first(tuning.proposed, higher=higher)]
    best.sort(key=lambda each: -(each[1].value or 0) if higher else each[1].value or 0)
    runners: list[Runner] = []
    for tuning, trial in best:
        method, setting = tuning.method.method, tuning.method.space.setting(trial.params)
        if all(setting != runner.setting or method != runner.method for runner in runners):
            runners.append(Runner(method, setting, trial.number, [trial.value]))
    if not runners:
        attributes = [trial.user_attrs for tuning in tunings for trial in tuning.proposed]
        reasons = [each[study.ERROR] for each in attributes if study.ERROR in each]
        raise TrialError(f"no setting could be trained: {reasons[0] if reasons else 'there were no trials'}")
    return runners[: max(1, number)]


def run(
    runners: Sequence[Runner],
    seeds: Sequence[int],
    score: Callable[[Sequence[Runner], int], list[float | None]],
    *,
    higher: bool,
) -> Runner | None:
    """Race; return the remaining setting with the best mean. None if every trial failed.

    seeds: those after the search's own seed. score: returns the scores of runners with a seed, None for a failed one.
    """
    left = list(runners)
    looks = max(1, len(seeds) + 1 - race.FEWEST + 1)
    for seed in seeds:
        if len(left) < 2:
            break
        for runner, value in zip(left, score(left, seed), strict=True):
            runner.values.append(value)
            if value is None:
                runner.dropped = f"failed with seed {seed}"
        left = [runner for runner in left if runner.dropped is None]
        known = {place: [value for value in each.values if value is not None] for place, each in enumerate(left)}
        for place, chance in race.worse(known, LEVEL / looks, higher=higher).items() if len(left) > 1 else ():
            left[place].dropped = f"worse after {len(left[place].values)} seeds (p = {chance:.2g})"
        left = [runner for runner in left if runner.dropped is None]
    if not left:
        return None
    return max(left, key=lambda each: (each.mean if higher else -each.mean, -each.trial))
