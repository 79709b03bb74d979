"""The final trials of a comparison, scored on the same test examples and the same resamples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.compare import outcomes
from pefbench.results.ranges import range_of
from pefbench.stats.family import of_scores
from pefbench.stats.mean_interval import intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.compare.plan import Outcome
    from pefbench.stats.resampling import Scores


class Tested:
    """Scores and predictions of the methods whose final trials are all finished."""

    def __init__(self, finals: Mapping[str, Sequence[Outcome]], metric: str) -> None:
        self.rows = {method: [outcomes.read_rows(each) for each in trials] for method, trials in finals.items()}
        self.finals = finals
        every = [each for trials in finals.values() for each in trials]
        if every:
            outcomes.refuse_unlike(every, [rows for runs in self.rows.values() for rows in runs], metric)
        self.scores: dict[str, Scores] = {
            method: outcomes.scores(trials, self.rows[method], metric) for method, trials in finals.items()
        }
        self.counts_right = outcomes.are_fractions_right([*self.scores.values()], [*self.rows.values()])
        self.examples: int | None = next((len(runs[0]) for runs in self.rows.values()), None)
        self.drawn: int | None = next((each.examples for each in self.scores.values()), None)
        """The number of units that resampling draws: examples, or clusters of examples."""
        self.intervals: dict[str, tuple[float, float] | tuple[None, None]] = {}
        if self.scores:
            ends = [range_of(metric, scores.mean) for scores in self.scores.values()]
            found = intervals(of_scores([*self.scores.values()]), ends)
            self.intervals = dict(zip(self.scores, found, strict=True))
