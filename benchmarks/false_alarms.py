"""How often the paired test says that two equally good methods differ; 5 % is what it should be.

    python -m benchmarks.false_alarms [SIMULATIONS]

Each line is one way in which outcomes may come about (`tests.evidence.null.Null`). Under it stands, for the same
outcomes, a percentile bootstrap that takes the trained models as they are, as tests over examples alone do.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.stats.null import Null

NULLS = {
    "3 seeds, 250 examples": Null(),
    "the same, entity F1": Null(f1=True),
    "seeds do not matter": Null(seed=0.0),
    "seeds matter much": Null(seed=0.3),
    "for one method much": Null(seed=0.05, other_seed=0.3),
    "1,000 examples": Null(examples=1000),
    "60 examples": Null(examples=60),
    "runs almost the same": Null(chance=0.2, seed=0.03),
    "methods err alike": Null(taste=0.1),
    "2 seeds": Null(seeds=2),
    "5 seeds": Null(seeds=5),
    "5 seeds, entity F1": Null(seeds=5, f1=True),
}


def rates(null: Null, simulations: int) -> tuple[float, float]:
    """Return the fractions of false alarms: of the test, and of the bootstrap over examples alone."""
    from pefbench.stats.paired import difference

    random = np.random.default_rng(1)
    alarms = np.zeros(2)
    for _ in range(simulations):
        first, second = null.draw(random)
        resampled = (first.resampled - second.resampled).mean(axis=0)
        low, high = np.quantile(resampled, [0.025, 0.975])
        alarms += difference(first, second).p < 0.05, not low <= 0 <= high
    return float(alarms[0] / simulations), float(alarms[1] / simulations)


def main(simulations: int) -> None:
    """Print the rates, each with its own standard error."""
    print(f"false alarms in {simulations} simulated comparisons of equally good methods, at 5 %")
    for name, null in NULLS.items():
        ours, naive = rates(null, simulations)
        error = 100 * np.sqrt(ours * (1 - ours) / simulations)
        print(f"{name:24} {100 * ours:5.1f} % (+- {error:.1f})   over examples alone {100 * naive:5.1f} %", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
