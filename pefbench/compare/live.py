"""The progress of a comparison: a table that updates itself, or plain lines in a log."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from pefbench.compare.selection import value_of
from pefbench.errors import counted
from pefbench.progress import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.table import Table

    from pefbench.compare.plan import Outcome, Plan, PlannedTrial

REFRESHES_A_SECOND = 2


class Board:
    """Keeps count of trials. As a context manager, it draws a table if standard error is a terminal."""

    def __init__(self, plan: Plan, metric: str, doing: Callable[[], list[str]], *, higher: bool) -> None:
        self.plan, self.metric, self.doing = plan, metric, doing
        self.best = max if higher else min
        self.expected: Counter[tuple[str, bool]] = Counter()
        self.outcomes: dict[str, Outcome] = {}
        self.running: list[PlannedTrial] = []
        self.live: Any = None

    def expect(self, outcomes: Sequence[Outcome]) -> None:
        """Note trials that are planned or already done."""
        for outcome in outcomes:
            self.expected[outcome.planned.method, "test" in outcome.planned.scored] += 1
            if outcome.status != "missing":
                self.outcomes[outcome.planned.text] = outcome
        done = sum(outcome.status != "missing" for outcome in outcomes)
        if outcomes and self.live is None:
            kind = "final" if "test" in outcomes[0].planned.scored else "tuning"
            say(f"{self.plan.comparison.name}: {counted(len(outcomes), f'{kind} trial')}, {done} already done")

    def began(self, trial: PlannedTrial) -> None:
        """Note that a trial has started."""
        self.running.append(trial)
        if self.live is None:
            say(f"started: {trial.text}")

    def held(self, trial: PlannedTrial) -> None:
        """Note that another process runs a trial; its result is waited for at the end."""
        self.running.remove(trial)
        if self.live is None:
            say(f"{trial.text}: another process runs it; its result is awaited at the end")

    def ended(self, outcome: Outcome) -> None:
        """Note how a trial ended."""
        self.running.remove(outcome.planned)
        self.outcomes[outcome.planned.text] = outcome
        line = f"{outcome.planned.text}: {self._told(outcome)}"
        if self.live is None:
            say(line)
        elif outcome.status != "finished":
            self.live.console.print(line, markup=False, highlight=False)

    def _told(self, outcome: Outcome) -> str:
        if outcome.status != "finished":
            return f"{'failed' if outcome.status == 'failed' else 'died'}: {outcome.error}"
        split = outcome.planned.scored[-1]
        return f"finished, {split} {self.metric} {value_of(outcome, self.metric, split) or 0.0:.4g}"

    def table(self) -> Table:
        """The current table."""
        from rich.table import Table

        table = Table(title=self.plan.comparison.name)
        for column in ("Method", "Tuning", f"Best {self.metric} on validation", "Final", "Now"):
            table.add_column(column)
        for method in self.plan.comparison.methods:
            table.add_row(*self._row(method))
        for line in self.doing():
            table.caption = f"{table.caption or ''}{line}\n"
        return table

    def _row(self, method: str) -> tuple[str, ...]:
        ended = [outcome for outcome in [*self.outcomes.values()] if outcome.planned.method == method]
        values = [value_of(outcome, self.metric, "validation") for outcome in ended]
        there = [value for value in values if value is not None]
        now = [trial.text for trial in [*self.running] if trial.method == method]
        counts = [self._count(method, ended, final=final) for final in (False, True)]
        return method, counts[0], f"{self.best(there):.4g}" if there else "", counts[1], "; ".join(now)

    def _count(self, method: str, ended: Sequence[Outcome], *, final: bool) -> str:
        mine = [outcome for outcome in ended if ("test" in outcome.planned.scored) == final]
        bad = sum(outcome.status != "finished" for outcome in mine)
        return f"{len(mine)}/{self.expected[method, final]}" + (f", {bad} failed" if bad else "")

    def __enter__(self) -> Self:
        """Start drawing."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.live = Live(
                get_renderable=self.table,
                console=Console(stderr=True),
                refresh_per_second=REFRESHES_A_SECOND,
                redirect_stdout=False,
            )
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing; the table stays on the screen."""
        if self.live is not None:
            self.live.stop()
