"""The progress of a training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pefbench.trial.spent import Spent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.results.schema import CurvePoint


Plain = dict[str, Any]  # a dataclass as a dictionary, for a checkpoint


@dataclass
class Progressed:
    """The progress of a training run over all its starts, as plain numbers for a checkpoint.

    starts: the times of its starts, as ISO 8601 in UTC. tokens: tokens seen, without padding. padded: the same with
    padding. training: the time for steps, without checkpoints and validation. validation: the time for validation,
    except at the last step, where it is a part of the final evaluation. peaks: by phase, the most bytes held until the
    last checkpoint. curve: one point for each log interval. stopped: by `train.patience`.
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
        """Keep the higher of each old and new peak: a resumed process has not seen an earlier one's memory."""
        self.peaks |= {name: max(peak, self.peaks.get(name, 0)) for name, peak in peaks.items()}

    def plain(self) -> Plain:
        """The fields, for a checkpoint."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Plain) -> Progressed:
        """The object that `plain` was called on."""
        times = {name: Spent(**plain[name]) for name in ("training", "validation")}
        return cls(**{**plain, **times})
