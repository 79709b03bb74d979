"""Answers as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.pick.good_enough import more_errors
from pefbench.analysis.pick.limits import RULES, cost, in_bytes
from pefbench.analysis.tables import interval, readable_seconds
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.analysis.pick.answers import Answer
    from pefbench.analysis.pick.limits import Limits
    from pefbench.analysis.tables.replicates import Replicates


def render(answers: Sequence[Answer], limits: Limits) -> str:
    """The answers as text; without a newline at the end."""
    return "\n\n".join("\n".join([each.heading, "", *_lines(each, limits)]) for each in answers)


def _lines(answer: Answer, limits: Limits) -> Iterator[str]:
    reference, named = answer.reference, answer.named
    sort = "full fine-tuning" if reference.is_full else "the best here"
    if named is None:
        yield "no method meets the limits"
    else:
        count = len(answer.meeting)
        of = f"of {count} that meet every limit" if count > 1 else "the only one that meets every limit"
        method = "" if named.method == named.name else f" ({named.method})"
        yield f"{named.name}{method}: {named.score}, {_share(named, reference)} of {sort}"
        yield f"  costs: {_costs(named)}"
        unknown = "" if answer.prefer == limits.prefer else f" (--prefer {limits.prefer}: not recorded for these runs)"
        yield f"  why: {of}, {_why(named, answer)}{unknown}" if count > 1 else f"  why: {of}"
    more = more_errors(reference, answer.wanted)
    errors = "" if more is None else f", which allows {more:.0%} more errors"
    wanted = interval(answer.wanted, None, None)
    split = "test" if reference.validation is None else "validation"
    yield f"  good enough: {wanted} on {split}{errors}; {sort}: {reference.name}, {reference.score}"
    for limit, names in answer.excluded.items():
        yield f"  excluded by {limit}: {', '.join(names) or 'nothing'}"
    yield from (f"  note: {note}" for note in answer.notes)


def _why(named: Replicates, answer: Answer) -> str:
    rule, least = RULES[answer.prefer], cost(named, answer.prefer)
    tied = [each.name for each in answer.meeting if each is not named and cost(each, answer.prefer) == least]
    return f"tied for {rule} with {', '.join(tied)}" if tied else f"it has {rule}"


def _share(named: Replicates, reference: Replicates) -> str:
    return f"{named.value / reference.value:.1%}" if reference.value > 0 else "against that"


def _costs(each: Replicates) -> str:
    saved = "size not recorded" if each.adapter_bytes is None else f"{in_bytes(each.adapter_bytes)} saved"
    trained = "trained weights not recorded"
    if each.trained is not None:
        trained = f"{readable(each.trained)} weights trained ({each.trained_percent or 0:.3g} %)"
    memory = "memory not recorded" if each.memory_bytes is None else f"{in_bytes(each.memory_bytes)} at peak"
    time = "time not recorded" if each.seconds is None else f"{readable_seconds(each.seconds)} of training"
    return f"{trained}, {saved}, {memory}, {time}"
