"""`score` on any metric: intervals stay in its range, respect clusters, and are marked if they may be too short."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pefbench import registry
from pefbench.metrics import no_better, score
from pefbench.metrics.accuracy import METRIC as ACCURACY
from pefbench.metrics.distinct import METRIC as DISTINCT
from pefbench.metrics.entity_f1 import METRIC as ENTITY_F1
from pefbench.metrics.pearson import METRIC as PEARSON
from pefbench.results.ranges import range_of
from pefbench.stats.wilson import wilson
from tests.metrics.intervals import ends

FIFTY = [["B-PER"]] * 50


@pytest.mark.parametrize("name", registry.names("metric"))
def test_the_range_of_every_metric_is_known(name: str) -> None:
    """A correlation that is taken for a fraction would have an interval that is far too narrow, and end at 0."""
    signed = {"spearman", "pearson", "matthews", "quadratic_kappa", "augmentation_gain"}
    highest = {"perplexity": math.inf, "loss": math.inf, "nist": math.inf, "cider": 10}
    highest |= dict.fromkeys(("bleu", "bleu_lowercase", "chrf"), 100)
    for value in registry.find("metric", name).higher_is_better:
        low, high = range_of(value, 0.5)
        assert low == (-1 if value in signed else 0), value
        assert high == highest.get(value, 1), value


def test_questions_of_one_cluster_count_together() -> None:
    """Twenty clusters of five questions, all right or all wrong: no more than twenty questions would tell."""
    clusters = [str(i // 5) for i in range(100)]
    answers = ["a" if i // 5 < 16 else "b" for i in range(100)]
    alone, together = (score(ACCURACY(), answers, ["a"] * 100, clusters=each)["accuracy"] for each in (None, clusters))
    assert ends(alone) == pytest.approx(wilson(80, 100))
    low, high = ends(together)
    assert low < wilson(16, 20)[0] + 0.01
    assert high > wilson(16, 20)[1] - 0.01
    assert together["signature"].endswith("|ci:wilson-effective-95|clusters:20")
    assert alone["signature"].endswith("|ci:wilson-95")


def test_clusters_that_are_right_throughout_count_one_each() -> None:
    found = score(ACCURACY(), ["a"] * 100, ["a"] * 100, clusters=[str(i // 5) for i in range(100)])["accuracy"]
    assert ends(found) == pytest.approx(wilson(20, 20))
    assert found["reliable"] is False


def test_every_example_its_own_cluster_is_none() -> None:
    answers = ["a"] * 8 + ["b"] * 2
    found = score(ACCURACY(), answers, ["a"] * 10, clusters=[str(i) for i in range(10)])
    assert found == score(ACCURACY(), answers, ["a"] * 10)


def test_an_interval_that_a_few_examples_decide_is_marked() -> None:
    few = score(ENTITY_F1(), [["B-PER"]] * 2 + [["O"]] * 48, FIFTY)["entity_f1"]
    many = score(ENTITY_F1(), [["B-PER"]] * 25 + [["O"]] * 25, FIFTY)["entity_f1"]
    assert few["reliable"] is False
    assert "reliable" not in many


def test_all_right_has_a_width() -> None:
    found = score(ENTITY_F1(), FIFTY, FIFTY)["entity_f1"]
    assert ends(found) == pytest.approx(wilson(50, 50))
    assert found["reliable"] is False


def test_a_correlation_may_be_below_0() -> None:
    random = np.random.default_rng(0)
    x, noise = random.normal(size=(2, 60))
    low, high = ends(score(PEARSON(), (0.1 * x + noise).tolist(), x.tolist())["pearson"])
    assert -0.4 < low < 0 < high < 0.5


def test_every_example_has_the_name_of_a_cluster_or_none_has() -> None:
    with pytest.raises(ValueError, match="1 names of clusters for 2 predictions"):
        score(ACCURACY(), ["a", "b"], ["a", "b"], clusters=["x"])


def test_a_model_that_is_no_better_than_a_baseline_is_said_to_be_in_2_5_percent() -> None:
    """Taken as exact, a baseline was beaten in 8.3 % where both err alike on three in ten examples."""
    random, beaten, simulations = np.random.default_rng(8), 0, 1500
    for _ in range(simulations):
        shared = random.random(250) < 0.3
        answers = [
            np.where(shared, "a", np.where(random.random(250) < 0.7, "a", "b")).tolist() for _ in ("model", "baseline")
        ]
        beaten += no_better(ACCURACY(), answers[0], answers[1], ["a"] * 250)["accuracy"] < 0.025
    assert 0.015 <= beaten / simulations <= 0.035


def test_what_is_hard_for_both_counts_for_neither() -> None:
    """Thirty of 100 wrong against 40, the thirty among them: intervals overlap, and ten examples decide."""
    better, worse = (["a"] * right + ["b"] * (100 - right) for right in (70, 60))
    assert no_better(ACCURACY(), better, worse, ["a"] * 100)["accuracy"] < 0.002
    assert no_better(ACCURACY(), worse, better, ["a"] * 100)["accuracy"] == 1
    assert no_better(ACCURACY(), ["a"] * 9, ["b"] * 9, ["a"] * 9)["accuracy"] == 0.5**9


def test_no_test_without_examples_or_an_interval() -> None:
    assert no_better(ACCURACY(), ["a"], ["b"], ["a"]) == {}
    assert no_better(DISTINCT(), ["a b", "c"], ["a", "a"], [{"texts": ["x"]}] * 2) == {}
