"""How far a training run is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pefbench.trial.spent import Spent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.results.schema import CurvePoint


Plain = dict[str, Any]  # the fields of a dataclass, as a checkpoint takes them


@dataclass
class Progressed:
    """How far a training run is, over all the times that it was started: plain numbers, for a checkpoint.

    starts: when, as ISO 8601 in UTC. tokens: tokens seen, padding left out. padded: the same with padding. training:
    the time that steps took, without checkpoints and validation. validation: the time that validation took, but for the
    last step's, which is a part of the final evaluation. peaks: by phase, the most bytes held until the last
    checkpoint. curve: one point for each log interval. stopped: by `train.patience`.
    """

    starts: list[str] = field(default_factory=list)
    step: int = 0
    tokens: int = 0
    padded: int = 0
    training: Spent = field(default_factory=Spent)
    validation: Spent = field(default_factory=Spent)
    peaks: dict[str, int] = field(default_factory=dict)
    curve: list[CurvePoint] = field(default_factory=list)
    stopped: bool = False

    def note_peaks(self, peaks: Mapping[str, int]) -> None:
        """Keep what is more than was seen before: a process that goes on has not seen what an earlier one held."""
        self.peaks |= {name: max(peak, self.peaks.get(name, 0)) for name, peak in peaks.items()}

    def plain(self) -> Plain:
        """The fields, for a checkpoint."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Plain) -> Progressed:
        """What `plain` made."""
        times = {name: Spent(**plain[name]) for name in ("training", "validation")}
        return cls(**{**plain, **times})
