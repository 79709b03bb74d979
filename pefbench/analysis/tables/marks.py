"""Marks for a group's settings: the best, and those not shown to differ from it, with the reason in a legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pefbench.analysis.tables import paired_runs
from pefbench.results.verdict_schema import differs, is_about_methods, is_equivalent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.results.verdict_schema import Comparison

Mark = Literal["best", "undecided", "equivalent", "overlapping", ""]
Answer = Literal["undecided", "equivalent", "worse"]
SIGNS = {"best": "**", "undecided": "*", "equivalent": "=", "overlapping": "~"}
LEGEND = {
    "best": "best",
    "equivalent": "equivalent to the best: shown to differ by less than the margin of its comparison",
    "undecided": "undecided: not shown to differ from the best by the paired test of its comparison",
    "overlapping": "its 95 % interval overlaps that of the best (a weak sign: a paired test may tell them apart)",
}
# Placeholders for LaTeX commands until tabulate has escaped the rest.
_OPEN, _CLOSE, _RAISED = "\ue000", "\ue001", "\ue002"


@dataclass(frozen=True)
class Tests:
    """The paired tests of comparisons, looked up by pair."""

    verdicts: Sequence[Comparison] = ()

    def answer(self, best: Replicates, other: Replicates) -> Answer | None:
        """The paired test's answer on `other`, against `best` of its group; None if no test compares the methods."""
        names = {each.first["recipe"]["name"] for each in (best, other)}
        for verdict in self.verdicts:
            if is_about_methods(verdict) and _is_of(verdict, best) and _is_of(verdict, other):
                for pair in verdict["pairs"]:
                    if {pair["first"], pair["second"]} == names:
                        if differs(verdict, pair):
                            return "worse"
                        return "equivalent" if is_equivalent(pair) else "undecided"
        return None


def _is_of(verdict: Comparison, setting: Replicates) -> bool:
    """Whether a setting's trials are final trials of a comparison by the same metric that ranks them here."""
    if verdict["metric"] != setting.first["headline"]:
        return False
    finals = {
        trial["result"].rpartition("/")[2] for method in verdict["methods"] for trial in method["final"]
    }  # file names are ids, which do not depend on the folder
    return all(f"{each.result['id']}.json" in finals for each in setting.trials)


def marks(members: Sequence[Replicates], tests: Tests) -> list[Mark]:
    """The mark of each setting of a group, the best first; no mark if there is only one."""
    if len(members) < 2:
        return [""] * len(members)
    paired = paired_runs.with_best([each.trials[0] for each in members])
    pairs = zip(members[1:], paired[1:], strict=True)
    return ["best", *("" if pair and pair.differ else _mark(members[0], each, tests) for each, pair in pairs)]


def _mark(best: Replicates, other: Replicates, tests: Tests) -> Mark:
    answer = tests.answer(best, other)
    if answer is not None:
        return "" if answer == "worse" else answer
    known = best.low is not None and other.low is not None
    return "overlapping" if known and best.overlaps(other) else ""


def marked(value: str, rest: str, mark: Mark, style: str) -> str:
    """A cell with its mark: the value and what follows it, in one of the styles."""
    if mark == "best" and style in {"markdown", "latex"}:
        begin, end = ("**", "**") if style == "markdown" else (_OPEN, _CLOSE)
        return f"{begin}{value}{end}{rest}"
    sign = SIGNS.get(mark, "")
    if style == "latex":
        return f"{value}{rest}{_RAISED * bool(sign)}{sign}"
    return f"{chr(92) * bool(sign) if style == 'markdown' else ''}{sign} {value}{rest}".lstrip()


def legend(used: Iterable[Mark], style: str) -> list[str]:
    """One line for each used mark."""
    signs = SIGNS | {"best": {"markdown": "**bold**", "latex": "bold"}.get(style, SIGNS["best"])}
    escape = "\\" if style == "markdown" else ""
    found = set(used)
    return [f"{escape * (name != 'best')}{signs[name]}: {text}" for name, text in LEGEND.items() if name in found]


def as_latex(text: str) -> str:
    """A table from tabulate with the placeholders replaced by LaTeX commands."""
    text = text.replace(_OPEN, r"\textbf{").replace(_CLOSE, "}").replace("±", r"$\pm$")
    text = text.replace("↑", r"$\uparrow$").replace("↓", r"$\downarrow$")
    text = text.replace("|", r"\textbar{}").replace(f"{_RAISED}=", r"$^{=}$")
    return text.replace(f"{_RAISED}*", r"$^{*}$").replace(rf"{_RAISED}\textasciitilde{{}}", r"$^{\sim}$")
