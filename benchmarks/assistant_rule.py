"""How often the assistant's rule allows more wrong answers than it states, and how much it answers.

    python -m benchmarks.assistant_rule [SIMULATIONS]

Each simulation draws held-out questions, chooses a rule by them, and applies it to a hundred thousand others. The rule
promises at most 5 % wrong answers, exceeded with a probability of at most 10 %. "Could be" is the share of questions
that a rule with knowledge of all questions could answer at 5 %. The standard error of 10 % is .9 points at 1,000
simulations.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tabulate import tabulate

from pefbench.apps.assistant import rule
from tests.apps.assistant.asked import ALL, World, answered, asked, possible

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE, RISK = 0.05, 0.1
HEADS = ("held out", "asked later", "stated share", "exceeded", "wrong, mean", "answered", "could be")


@dataclass(frozen=True)
class Case:
    """Held-out questions, and those asked later. stated: the out-of-scope share in the configuration."""

    held_out: World
    later: World
    stated: float | None = None
    count: int = 1500
    told: str = ""

    @property
    def row(self) -> tuple[str, str, str]:
        """The case's description in the table."""
        held = f"{self.count:,}, {self.held_out.outside:.0%} out of scope{self.told}"
        return held, f"{self.later.outside:.0%} out of scope", "-" if self.stated is None else f"{self.stated:.0%}"


def cases() -> Iterator[Case]:
    """The simulated cases."""
    none, few, many = (World(outside=outside, easy=4.0, tells=3.0, likeness=-2.5) for outside in (0.0, 0.03, 0.18))
    yield Case(none, none)
    yield Case(none, none, count=400)
    blind = replace(none, easy=1.0, tells=0.0)
    yield Case(blind, blind, told=", the confidence tells nothing")
    yield Case(few, few)
    yield Case(many, many)
    yield Case(few, many)
    yield Case(few, many, stated=0.18)
    yield Case(few, many, stated=0.18, count=3000)
    yield Case(few, few, stated=0.18)
    yield Case(many, many, stated=0.18)
    yield Case(many, replace(many, outside=0.4), stated=0.4)
    few, many = (replace(each, likeness=-1.5) for each in (few, many))
    yield Case(few, many, stated=0.18, told=", more like those in scope")


def simulated(case: Case, simulations: int) -> tuple[str, ...]:
    """One line of the table."""
    random = np.random.default_rng(0)
    everything = case.later.draw(random, ALL)
    exceeded, shares, wrongs = 0, [], []
    for _ in range(simulations):
        part = case.count // rule.PARTS
        fitting, deciding = (asked(case.held_out.draw(random, count)) for count in (part, case.count - part))
        share, wrong = answered(rule.fit(fitting, deciding, rate=RATE, risk=RISK, share=case.stated), everything)
        exceeded += wrong > RATE
        shares.append(share)
        wrongs.append(wrong)
    numbers = (exceeded / simulations, np.mean(wrongs), np.mean(shares), possible(everything, RATE))
    return *case.row, *(f"{number:.1%}" for number in numbers)


def main(simulations: int) -> None:
    """Print the table."""
    print(tabulate([simulated(each, simulations) for each in cases()], HEADS, tablefmt="github"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("simulations", type=int, nargs="?", default=1000)
    main(parser.parse_args().simulations)
