"""A sampler of Optuna's that proposes no setting twice: what it draws again is drawn anew.

The Parzen estimator proposes the setting that it thinks best, over a small listed space the one that it knows already.
Training it once more would tell nothing, for a trial depends on its setting alone.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from optuna.samplers import BaseSampler, RandomSampler

from pefbench.search.study import taken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState

    from pefbench.results.verdict_schema import Setting
    from pefbench.search.space import Space

DRAWS = 100
"""After so many draws that were tried before, one of the settings left is taken at random."""


class Untried(BaseSampler):
    """Proposes what another sampler draws; once all settings of a space were tried, any of them."""

    def __init__(self, sampler: BaseSampler, space: Space, seed: int) -> None:
        self.sampler, self.space, self.first = sampler, space, RandomSampler(seed=seed)
        self.chance = random.Random(seed)  # noqa: S311 - nothing secret

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All fields: a setting is drawn whole, so that it can be held against those tried."""
        del study, trial
        return self.space.distributions()

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> Setting:
        """A setting that was not tried."""
        tried = {*taken(study, self.space, trial.number).values()}
        for _ in range(DRAWS):
            drawn = self._drawn(study, trial, search_space)
            if self.space.key(drawn) not in tried:
                return drawn
        left = [each for each in self.space.every() or () if self.space.key(each) not in tried]
        return self.chance.choice(left) if left else drawn

    def _drawn(self, study: Study, trial: FrozenTrial, space: Mapping[str, BaseDistribution]) -> Setting:
        """A setting as the other sampler draws it; at random where that has no view of it as yet."""
        several = {name: each for name, each in space.items() if not each.single()}
        drawn = self.sampler.sample_relative(study, trial, several)
        for name, each in space.items():
            if name not in drawn:
                drawn[name] = self.first.sample_independent(study, trial, name, each)
        return drawn

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """One field, as the other sampler draws it; a setting is drawn whole."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Draw otherwise from now on."""
        self.sampler.reseed_rng()
        self.first.reseed_rng()
        self.chance.seed()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Let the other sampler know."""
        self.sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Let the other sampler know."""
        self.sampler.after_trial(study, trial, state, values)
