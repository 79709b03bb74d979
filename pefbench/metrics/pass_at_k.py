"""Pass@k: whether programs pass their tests, where one of k is enough.

Chen et al. 2021 (arXiv:2107.03374, equation 1): if c of the n answers to a problem pass, then at least one of k answers
drawn without replacement passes with probability 1 - C(n - c, k) / C(n, k), which is averaged over problems.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pefbench.metrics._base import TAGS
from pefbench.metrics._programs import program
from pefbench.metrics._texts import MeanTextMetric
from pefbench.metrics.sandbox import running
from pefbench.metrics.sandbox.running import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

KS = (1, 10, 100)
LIMITS = Limits()


class PassAtK(MeanTextMetric):
    """pass@1, and pass@10 and pass@100 where every problem has so many answers, from 0 to 1.

    Predictions: the answers to a problem, one or more. References: the code before the answer and the tests behind it,
    see `program`. Each program is run once, in the sandbox, and passes when it runs to its end. Raises SandboxError.
    """

    headline = "pass_at_1"
    higher_is_better: ClassVar = {f"pass_at_{k}": True for k in KS}
    averaged = frozenset({"pass_at_1"})
    library = "arXiv:2107.03374"
    prediction = TAGS
    reference = TAGS
    needs = "test"
    settings = (
        f"eq:1|answer:body,else-function|seconds:{LIMITS.seconds}|memory:{LIMITS.memory // running.MEBIBYTE}MiB|"
        f"python:{sys.version_info.major}.{sys.version_info.minor}"
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._passed: dict[str, bool] = {}

    def read(self, answer: Any) -> list[str]:
        """All answers to a problem, or the only one."""
        return list(answer.get("samples") or [answer["text"]]) if isinstance(answer, dict) else [answer]

    def read_reference(self, reference: Any) -> list[str]:
        """The code before the answer, "" for none, and the tests."""
        return [reference.get("prompt", ""), reference["test"]]

    def refusal(self, references: Sequence[Any]) -> str | None:
        """Why these references cannot be scored, or None. Raises SandboxError if no program can be run here."""
        why = super().refusal(references)
        if why is None:
            running.require_sandbox()
        return why

    def scores(self, predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Array:
        """Each problem's estimates, for each k for which there are enough answers: (problems, ks)."""
        found = self._found(predictions, references)
        ks = _ks(found)
        self.higher_is_better = {f"pass_at_{k}": True for k in ks}  # type: ignore[misc]  # matches the returned values
        return np.asarray([[pass_at_k(n, c, k) for k in ks] for n, c in found], dtype=np.float64)

    def signature(self) -> str:
        """The paper, and everything on which passing depends."""
        return f"{type(self).__module__.rpartition('.')[2]}|paper:{self.library}|{self.settings}"

    def _found(
        self, predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]
    ) -> list[tuple[int, int]]:
        """For each problem, the number of answers and how many of them pass."""
        programs = [
            [program(answer, *reference) for answer in answers]
            for answers, reference in zip(predictions, references, strict=True)
        ]
        new = list(dict.fromkeys(each for several in programs for each in several if each not in self._passed))
        self._passed |= {each: outcome.passed for each, outcome in zip(new, running.run_all(new, LIMITS), strict=True)}
        return [(len(several), sum(self._passed[each] for each in several)) for several in programs]


def pass_at_k(n: int, c: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k) if c of n answers pass, computed as a product of factors in [0, 1]."""
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"{c} of {n} answers, {k} drawn: it takes 0 <= c <= n and 1 <= k <= n")
    return 1.0 - float(np.prod(1.0 - k / np.arange(n - c + 1, n + 1))) if n - c >= k else 1.0


def _ks(found: Sequence[tuple[int, int]]) -> list[int]:
    """The k for which every problem has enough answers. Raises ValueError if a problem has none."""
    if not (fewest := min(n for n, _ in found)):
        raise ValueError("a problem has no answer")
    return [k for k in KS if k <= fewest]


METRIC = PassAtK
