"""The samplers that propose the settings of a study.

Tree-structured Parzen estimator (Bergstra et al. 2011), random draws (Bergstra and Bengio 2012), and a grid.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

from pefbench.errors import RecipeError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from pefbench.search.space import Space

SamplerName = Literal["tpe", "random", "grid"]

FIRST_SHARE = 4
"""One in this many trials, but at least `FEWEST`, is drawn at random before the Parzen estimator proposes."""
FEWEST = 3


def sampler_of(name: SamplerName, space: Space, trials: int, seed: int) -> BaseSampler:
    """The sampler of this name. Raises RecipeError for a grid over a range, or with more settings than trials."""
    from optuna.samplers import GridSampler, RandomSampler, TPESampler

    from pefbench.search.untried import Untried

    if name == "random":
        return Untried(RandomSampler(seed=seed), space, seed)
    if name == "grid":
        if (size := space.size) is None:
            field = next(each for each, given in space.plain().items() if "choice" not in given)
            raise RecipeError(f"--sampler grid: search.{field} is a range; list its values, or use tpe or random")
        if size > trials:
            raise RecipeError(
                f"--sampler grid: {size} settings, but --trials {trials}; list fewer values or raise --trials"
            )
        return GridSampler(space.categories(), seed=seed)
    first = max(FEWEST, trials // FIRST_SHARE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a multivariate estimator is marked as experimental
        return Untried(TPESampler(n_startup_trials=first, multivariate=True, seed=seed), space, seed, first)
