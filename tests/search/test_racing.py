"""The race of settings: which seeds they run, when they leave, and which one is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.search import racing
from pefbench.search.racing import Runner

if TYPE_CHECKING:
    from collections.abc import Sequence


def runner(trial: int, first: float) -> Runner:
    return Runner("lora", {"train.learning_rate": trial / 1000}, trial, [first])


class Scores:
    """Scores from a table, and who was asked for with which seed."""

    def __init__(self, table: dict[int, list[float | None]]) -> None:
        self.table = table
        self.ran: list[tuple[int, list[int]]] = []

    def __call__(self, runners: Sequence[Runner], seed: int) -> list[float | None]:
        self.ran.append((seed, [each.trial for each in runners]))
        return [self.table[each.trial][seed - 1] for each in runners]


@pytest.mark.parametrize("higher", [True, False])
def test_the_mean_over_seeds_names_not_the_luckiest_first_seed(higher: bool) -> None:
    sign = 1 if higher else -1
    scores = Scores({1: [sign * 0.5, sign * 0.6], 2: [sign * 0.8, sign * 0.7]})
    named = racing.run([runner(1, sign * 0.9), runner(2, sign * 0.85)], [1, 2], scores, higher=higher)
    assert named is not None
    assert named.trial == 2
    assert named.unseen == pytest.approx(sign * 0.75)


def test_a_setting_shown_to_be_worse_runs_no_further_seed() -> None:
    good, bad = [0.90, 0.91, 0.90, 0.89], [0.50, 0.51, 0.49, 0.50]
    scores = Scores({1: [*good], 2: [*bad], 3: [each - 0.001 * (-1) ** n for n, each in enumerate(good)]})
    runners = [runner(1, 0.905), runner(2, 0.5), runner(3, 0.9)]
    racing.run(runners, [1, 2, 3, 4], scores, higher=True)
    assert scores.ran == [(1, [1, 2, 3]), (2, [1, 2, 3]), (3, [1, 3]), (4, [1, 3])]
    assert str(runners[1].dropped).startswith("worse after 3 seeds (p = ")
    assert runners[0].dropped is None


def test_one_that_fails_leaves_and_alone_nobody_runs_on() -> None:
    runners = [runner(1, 0.9), runner(2, 0.8)]
    scores = Scores({1: [None, None], 2: [0.8, 0.8]})
    named = racing.run(runners, [1, 2], scores, higher=True)
    assert named is runners[1]
    assert runners[0].dropped == "failed with seed 1"
    assert scores.ran == [(1, [1, 2])]
    assert racing.run([runner(1, 0.9)], [1], scores, higher=True) is not None
    both = [runner(1, 0.9), runner(3, 0.8)]
    assert racing.run(both, [1], Scores({1: [None], 3: [None]}), higher=True) is None
