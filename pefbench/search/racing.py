"""The best few settings of a search, raced over seeds: one more seed for all that are left, until one is named.

A setting that is shown to be worse than the best runs no further seed. The level is shared among the looks.
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
    """A setting in the race. values: its score on validation with each seed, in order; None where a trial failed.

    dropped: after how many seeds it was shown to be worse, with the p-value; or that it failed.
    """

    method: str
    setting: Setting
    trial: int
    values: list[float | None] = field(default_factory=list)
    dropped: str | None = None

    @property
    def mean(self) -> float:
        """The mean over the seeds that it ran."""
        there = [value for value in self.values if value is not None]
        return sum(there) / len(there)

    @property
    def unseen(self) -> float | None:
        """The mean over the seeds after the first, by which it was not chosen for the race; None: there are none."""
        later = [value for value in self.values[1:] if value is not None]
        return sum(later) / len(later) if later else None


def entrants(tunings: Sequence[Tuning], number: int, *, higher: bool) -> list[Runner]:
    """The best settings of all methods together, at most so many. Raises TrialError where none was trained."""
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
    """Race; return the one that is named: of those left at the end the best mean. None: every trial failed.

    seeds: those after the one that the search ran. score: the scores of runners with a seed, None where one failed.
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
