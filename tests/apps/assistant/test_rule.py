"""The rule: the share of wrong answers stays below the stated rate, with the stated probability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.stats import binom

from pefbench.apps.assistant import rule
from pefbench.apps.assistant.bounds import Counts, clopper_pearson, p_value, part
from tests.apps.assistant.asked import World, answered, asked, possible


@pytest.mark.parametrize(("held_out", "later", "stated"), [(0.0, 0.0, None), (0.05, 0.2, 0.2)])
def test_the_true_rate_exceeds_the_stated_one_as_seldom_as_stated(
    held_out: float, later: float, stated: float | None
) -> None:
    random, world = np.random.default_rng(0), World(outside=held_out, easy=4.0, tells=3.0, likeness=-2.5)
    everything = replace(world, outside=later).draw(random, 40_000)
    exceeded, shares = 0, []
    for _ in range(30):
        fitting, deciding = asked(world.draw(random, 400)), asked(world.draw(random, 1200))
        share, wrong = answered(rule.fit(fitting, deciding, rate=0.05, risk=0.1, share=stated), everything)
        shares.append(share)
        exceeded += wrong > 0.05
    assert exceeded <= binom.ppf(0.999, 30, 0.1)
    assert np.median(shares) > 0.7 * possible(everything, 0.05)  # and it does answer


def copies(drawn: rule.Best, each: int) -> rule.Best:
    """Each question so many times, as a template that is filled in so often, which is right always or never."""
    confidences, right, outside, groups = drawn
    return rule.Best(
        np.repeat(confidences, each), np.repeat(right, each), np.repeat(outside, each), np.repeat(groups, each)
    )


def test_questions_of_a_group_show_no_more_than_one_of_them() -> None:
    random, world, exceeded, reached = np.random.default_rng(0), World(easy=4.0, tells=3.0), 0, 0
    everything = world.draw(random, 40_000)
    for _ in range(30):
        fitting, deciding = rule.divided(asked(copies(world.draw(random, 800), 8)))
        share, wrong = answered(rule.fit(fitting, deciding, rate=0.05, risk=0.1), everything)
        exceeded, reached = exceeded + (wrong > 0.05), reached + (share > 0)
    assert exceeded <= binom.ppf(0.999, 30, 0.1)
    assert reached > 20


def test_a_single_wrong_answer_among_the_first_does_not_silence_the_assistant() -> None:
    """The tests begin at a threshold with enough answers, not at the last one without a wrong answer."""
    random, world = np.random.default_rng(0), World(easy=4.0, tells=3.0)
    drawn = [rule.divided(asked(world.draw(random, 300))) for _ in range(30)]
    chosen = [rule.fit(*each, rate=0.05, risk=0.1) for each in drawn]
    assert sum(each.answered > 0 for each in chosen) >= 28


def test_fractional_counts_lie_between_whole_ones() -> None:
    fewer, between, more = (p_value(Counts(100, 80, wrong, 0, 0), 0.05, 0.1) for wrong in (1, 1.5, 2))
    assert fewer == pytest.approx(binom.cdf(1, 80, 0.05))
    assert fewer < between < more == pytest.approx(binom.cdf(2, 80, 0.05))
    assert p_value(Counts(100, 90.5, 1.2, 9.5, 0.4), 0.05, 0.1, 0.1) == p_value(
        Counts(100, 90, 2, 9, 1), 0.05, 0.1, 0.1
    )


def test_no_group_is_in_both_parts() -> None:
    drawn = asked(copies(World().draw(np.random.default_rng(0), 100), 3))
    fitting, deciding = rule.divided(drawn)
    assert not {each.group for each in fitting} & {each.group for each in deciding}
    assert (len(fitting), len(deciding)) == (75, 225)


def test_copies_count_once() -> None:
    drawn = World(outside=0.3).draw(np.random.default_rng(0), 300)
    assert drawn.independent(0.0) == pytest.approx(drawn.at(0.0))
    assert copies(drawn, 7).independent(0.0) == pytest.approx(drawn.at(0.0))
    assert part(np.array([0, 0, 0, 1])) == 16 / 10 / 4


@pytest.mark.parametrize(("wrong", "answered"), [(0, 10), (3, 50), (10, 10), (0, 0)])
def test_intervals_hold_the_share(wrong: int, answered: int) -> None:
    low, high = clopper_pearson(wrong, answered)
    assert 0 <= low <= (wrong / answered if answered else 0) <= high <= 1


def test_59_answers_are_the_fewest_that_can_show_5_percent() -> None:
    assert p_value(Counts(100, 59, 0, 0, 0), 0.05, 0.05) <= 0.05 < p_value(Counts(100, 58, 0, 0, 0), 0.05, 0.05)


@pytest.mark.parametrize("wrong", [0.0, 0.02, 0.04])
def test_p_values_by_scope_are_as_seldom_small_as_they_say(wrong: float) -> None:
    """Of questions out of scope just so many are let through that 5 % of the answers are wrong, if they are a fifth."""
    inside, outside, reached = 500, 40, 0.8
    let_through = 0.8 * reached * (0.05 - wrong) / (0.2 * 0.95)
    random, small = np.random.default_rng(0), 0
    for _ in range(500):
        given_ = int(random.binomial(inside, reached))
        found = Counts(
            inside, given_, int(random.binomial(given_, wrong)), outside, int(random.binomial(outside, let_through))
        )
        small += p_value(found, 0.05, 0.1, 0.2) <= 0.1
    assert small <= binom.ppf(0.999, 500, 0.1)


def test_what_is_shown_for_a_share_out_of_scope_is_shown_for_smaller_ones() -> None:
    found = Counts(inside=1500, answered=1350, wrong=30, outside=60, let_through=1)
    values = [p_value(found, 0.05, 0.05, share) for share in (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)]
    assert values == sorted(values)
    assert values[0] < 0.001
    assert values[-1] > 0.5


def test_without_questions_out_of_scope_nothing_is_shown_of_them() -> None:
    assert p_value(Counts(1000, 900, 0, 0, 0), 0.05, 0.05, 0.2) >= 1
    assert p_value(Counts(1000, 900, 0, 0, 0), 0.05, 0.05, 0.0) < 0.001


def test_nothing_is_answered_where_the_data_cannot_show_the_rate() -> None:
    random = np.random.default_rng(1)
    few = rule.fit(asked(World().draw(random, 40)), asked(World().draw(random, 40)), rate=0.05, risk=0.05)
    assert (few.threshold, few.answered) == (2.0, 0)
    always_wrong = asked(World(outside=1.0).draw(random, 400))
    assert rule.fit(always_wrong, always_wrong, rate=0.05, risk=0.05).threshold == 2.0


def test_a_question_without_candidates_is_never_answered() -> None:
    nothing = rule.Asked(np.zeros((0, 1)), np.zeros(0, bool), outside=False, group="none")
    drawn = asked(World(easy=9.0).draw(np.random.default_rng(0), 400))
    chosen = rule.fit([nothing, *drawn], [nothing, *drawn], rate=0.05, risk=0.05)
    assert chosen.threshold <= 1
    assert rule.best(chosen, [nothing]).at(chosen.threshold) == Counts(1, 0, 0, 0, 0)


@settings(deadline=None, max_examples=50)
@given(some.lists(some.booleans(), min_size=90, max_size=200), some.integers(0, 2**32 - 1))
def test_what_was_kept_was_shown(right: list[bool], seed: int) -> None:
    random = np.random.default_rng(seed)
    none = np.zeros(len(right), bool)
    first = rule.Best(random.random(200), random.random(200) < 0.8, np.zeros(200, bool), np.arange(200))
    deciding = rule.Best(random.random(len(right)), np.array(right), none, np.arange(len(right)))
    kept = rule.threshold(first, deciding, 0.3, 0.05)
    if kept <= 1:
        assert p_value(deciding.at(kept), 0.3, 0.05) <= 0.05
    else:
        assert deciding.at(kept).answered == 0
