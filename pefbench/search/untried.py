"""An Optuna sampler that proposes no setting twice: it repeats the draw instead.

The Parzen estimator proposes the setting that it considers best, which in a small space is often a known one. Training
that again would add nothing, because a trial's score depends only on its setting.

Before the estimator has data, settings are drawn as a Latin hypercube (McKay, Beckman and Conover 1979): for each
field, the values or parts of the range that were drawn least often. With a budget of four settings, independent draws
may miss the only one of three learning rates that learns; these draws do not.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from optuna.samplers import BaseSampler, RandomSampler

from pefbench.search.study import taken

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState

    from pefbench.results.verdict_schema import Setting
    from pefbench.search.space import Space

DRAWS = 100
"""After this many draws of tried settings, one of the remaining settings is taken at random."""


class Untried(BaseSampler):
    """Proposes untried settings that another sampler draws; once all settings were tried, any of them."""

    def __init__(self, sampler: BaseSampler, space: Space, seed: int, first: int = 0) -> None:
        self.sampler, self.space, self.blind = sampler, space, RandomSampler(seed=seed)
        self.parts = first
        self.chance = random.Random(seed)  # noqa: S311 - nothing secret

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All fields: a setting is drawn as a whole, so that it can be compared with tried ones."""
        del study, trial
        return self.space.distributions()

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> Setting:
        """An untried setting."""
        tried = {*taken(study, self.space, trial.number).values()}
        several = {name: each for name, each in search_space.items() if not each.single()}
        for number in range(DRAWS):
            drawn = self.sampler.sample_relative(study, trial, several)
            if not drawn and self.parts and number == 0:
                drawn = self._spread(study, trial, search_space, tried)
            drawn |= self._blindly(study, trial, search_space, drawn)
            if self.space.key(drawn) not in tried:
                return drawn
        left = [each for each in self.space.every() or () if self.space.key(each) not in tried]
        return self.chance.choice(left) if left else drawn

    def _spread(
        self, study: Study, trial: FrozenTrial, space: Mapping[str, BaseDistribution], tried: Collection[str]
    ) -> Setting:
        """The best of many draws: the untried one whose values were drawn least often so far."""
        drawn = [self._blindly(study, trial, space, {}) for _ in range(DRAWS)]
        parts = [self.space.parts(json.loads(each), self.parts) for each in tried]

        def used(setting: Setting) -> tuple[bool, int]:
            mine = self.space.parts(self.space.setting(setting), self.parts)
            return self.space.key(setting) in tried, sum(mine[field] == each[field] for each in parts for field in mine)

        return min(drawn, key=used)

    def _blindly(
        self, study: Study, trial: FrozenTrial, space: Mapping[str, BaseDistribution], drawn: Setting
    ) -> Setting:
        """Random values for the fields that are not drawn yet."""
        return {
            name: self.blind.sample_independent(study, trial, name, each)
            for name, each in space.items()
            if name not in drawn
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """One field, drawn by the other sampler."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Use new random numbers from now on."""
        self.sampler.reseed_rng()
        self.blind.reseed_rng()
        self.chance.seed()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Notify the other sampler."""
        self.sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Notify the other sampler."""
        self.sampler.after_trial(study, trial, state, values)
