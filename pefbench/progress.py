"""Progress of a long operation: a bar with rate and remaining time on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from types import TracebackType

    from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts steps; silent unless `enabled` (only one process of a run prints).

    lasting: the bar, or a last line, stays at the end.
    """

    def __init__(self, what: str, total: int, *, start: int = 0, enabled: bool = True, lasting: bool = True) -> None:
        self.what, self.total, self.start, self.done, self.enabled = what, total, start, start, enabled
        self.lasting = lasting
        self.began = time.monotonic()
        self.spoke = self.began
        self.bar = self._bar() if enabled and sys.stderr.isatty() else None

    def _bar(self) -> tqdm[NoReturn]:
        from tqdm import tqdm

        return tqdm(
            total=self.total, initial=self.start, desc=self.what, unit="step", dynamic_ncols=True, leave=self.lasting
        )

    def step(self, **values: float) -> None:
        """Count one step; `values` (loss=..., lr=...) are shown beside it."""
        self.done += 1
        if self.bar is not None:
            if values:
                self.bar.set_postfix({name: f"{value:.4g}" for name, value in values.items()}, refresh=False)
            self.bar.update()
        elif self.enabled and (self._due() or (self.lasting and self.done == self.total)):
            self._say(values)

    def _due(self) -> bool:
        return time.monotonic() - self.spoke >= SECONDS_BETWEEN_LINES

    def _say(self, values: dict[str, float]) -> None:
        self.spoke = time.monotonic()
        rate = (self.done - self.start) / max(self.spoke - self.began, 1e-9)
        shown = "".join(f"  {name} {value:.4g}" for name, value in values.items())
        left = (self.total - self.done) / rate
        say(f"{self.what}: {self.done}/{self.total}  {rate:.1f} steps/s  {left:.0f} s left{shown}")

    def __enter__(self) -> Self:
        """The bar itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()


def flush() -> None:
    """Flush standard output and standard error."""
    sys.stdout.flush()
    sys.stderr.flush()


def say(line: str) -> None:
    """Print one line for the user, above any bars, to standard error: standard output has a command's result."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)
    else:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
