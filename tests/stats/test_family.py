from __future__ import annotations

import numpy as np
import pytest

from pefbench.stats.family import of_scores
from pefbench.stats.resampling import resample
from tests.stats.families import Truth, family


@pytest.mark.parametrize("f1", [False, True])
def test_the_parts_are_those_of_the_delta_method(f1: bool) -> None:
    truth = Truth(seeds=4, examples=300, levels=(0.3,) * 3, spreads=(0.2,) * 3, f1=f1)
    numerator, denominator = truth.outcomes(np.random.default_rng(1), 1)
    runs = [
        [lambda w, n=n, d=d: (w @ n) / (w @ d) for n, d in zip(*method, strict=True)]
        for method in zip(numerator[0], denominator[0], strict=True)
    ]
    found = of_scores([resample(each, 300, resamples=20_000) for each in runs])
    expected = family(numerator, denominator)
    assert found.means == pytest.approx(expected.means[0])
    assert found.between == pytest.approx(expected.between[0])
    scale = expected.covariance[0].max()
    assert found.covariance == pytest.approx(expected.covariance[0], abs=0.05 * scale)
    assert found.chance == pytest.approx(expected.chance[0], abs=0.03 * scale)


def test_what_more_seeds_and_more_examples_leave() -> None:
    [now] = Truth(seeds=5).families(np.random.default_rng(2), 3)
    later = now.with_seeds(10)
    assert later.between == pytest.approx(now.between / 2)
    assert later.shared == pytest.approx(now.shared)
    larger = now.with_examples(4)
    assert larger.covariance == pytest.approx(now.covariance / 4)
    seed_alone = np.maximum(0, now.between - now.chance)
    assert np.all(larger.between >= seed_alone * (1 - 1e-12))
    assert larger.examples == 1000


def test_unlike_runs_are_refused() -> None:
    one, other = (resample([lambda w: w.mean(axis=1)], n, resamples=10) for n in (5, 6))
    with pytest.raises(ValueError, match="unlike runs"):
        of_scores([one, other])
