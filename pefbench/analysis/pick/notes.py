"""Caveats beside an answer: doubts, what is undecided, weak baselines, settings left out, different machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables import interval, paired_runs
from pefbench.analysis.tables.replicates import ran_on_several_machines
from pefbench.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.analysis.pick.limits import Limits
    from pefbench.analysis.tables.baselines import Known
    from pefbench.analysis.tables.marks import Tests
    from pefbench.analysis.tables.replicates import Replicates


def about_named(
    named: Replicates,
    meeting: Sequence[Replicates],
    reference: Replicates,
    wanted: float,
    known: Known,
    tests: Tests,
) -> Iterator[str]:
    """Caveats about the named setting."""
    yield from _one_seed(named)
    yield from _doubt(named, reference, wanted)
    yield from _undecided(named, meeting, tests)
    yield from _baseline(named, known)


def _one_seed(named: Replicates) -> Iterator[str]:
    if len(named.trials) == 1:
        yield "one seed: this names a run; with another seed it may be a run of another method"


def _doubt(named: Replicates, reference: Replicates, wanted: float) -> Iterator[str]:
    worst = named.low if named.sign > 0 else named.high
    if worst is not None and named is not reference and named.sign * worst < named.sign * wanted:
        end, beyond = ("lower", "below") if named.sign > 0 else ("upper", "above")
        at = interval(worst, None, None)
        yield f"the {end} end of its interval on test is {at}, {beyond} what is good enough there"


def _undecided(named: Replicates, meeting: Sequence[Replicates], tests: Tests) -> Iterator[str]:
    """Settings that are shown to be better or are undecided: by the paired test, or else by intervals."""
    others = [(each, tests.answer(named, each)) for each in meeting if each is not named]
    better = [(each, answer) for each, answer in others if each.sign * each.value > each.sign * named.value]
    kinds = {
        "shown to be better than it by the paired test": [each for each, answer in better if answer == "worse"],
        "shown to be better than it (intervals apart)": [
            each for each, answer in better if answer is None and not each.overlaps(named)
        ],
        "equivalent to it by the paired test": [each for each, answer in others if answer == "equivalent"],
        "undecided against it by the paired test": [each for each, answer in others if answer == "undecided"],
        "undecided against it (their intervals overlap; only a paired test may tell them apart)": [
            each for each, answer in others if answer is None and each.overlaps(named)
        ],
    }
    for kind, found in kinds.items():
        if found:
            yield f"{kind}: {', '.join(each.name for each in found)}"


def _baseline(named: Replicates, known: Known) -> Iterator[str]:
    row = named.beside(known)
    if row["beats_baseline"] is False and row["baseline_value"] is not None:
        yield f"it is not shown to beat a trivial baseline: {row['baseline']}, {row['baseline_value']:.3f}"


def about_open(may_be: Sequence[Replicates], methods: int) -> Iterator[str]:
    """Settings that look good enough on validation but are not shown to be."""
    if may_be:
        yield (
            f"may be good enough, but the margin is within chance for {counted(methods, 'method')} tried: "
            f"{', '.join(each.name for each in may_be)}; more seeds or validation examples would decide"
        )


def about_unknown(unknown: Sequence[Replicates]) -> Iterator[str]:
    """Settings whose deciding score has no interval, and so may be due to chance."""
    if unknown:
        yield (
            "left out, as the deciding score has no interval here or for full fine-tuning and may be chance: "
            f"{', '.join(each.name for each in unknown)}"
        )


def about_group(members: Sequence[Replicates], affordable: Sequence[Replicates], limits: Limits) -> Iterator[str]:
    """Caveats about the group as a whole."""
    yield from paired_runs.lines([each.trials[0] for each in members], [each.name for each in members])
    if not any(each.is_full for each in members):
        split = "test" if any(each.validation is None for each in members) else "validation"
        yield f"no trial of full fine-tuning here: the best on {split} is used in its place"
    if unused := len(affordable) - len({each.recipe for each in affordable}):
        yield f"settings left out: {unused}; the best of each recipe on validation is used"
    measured = limits.memory or limits.seconds or limits.prefer in {"memory", "time"}
    if measured and ran_on_several_machines(members):
        yield "the trials ran on different machines or thread counts, so times and memory are not exactly comparable"
