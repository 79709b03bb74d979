"""The answer for each group of comparable trials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pefbench.analysis.pick.good_enough import bar, candidates, standing
from pefbench.analysis.pick.limits import cost, preferred, too_costly
from pefbench.analysis.pick.notes import about_group, about_named, about_open, about_unknown
from pefbench.analysis.tables import baselines
from pefbench.analysis.tables.groups import heading
from pefbench.analysis.tables.marks import Tests
from pefbench.analysis.tables.replicates import best_on_validation, replicates_by_group
from pefbench.errors import UserError, suggest
from pefbench.results.store import newest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.analysis.pick.limits import Limits, Preference
    from pefbench.analysis.tables.baselines import Known
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.results.store import Stored
    from pefbench.results.verdict_schema import Comparison


@dataclass(frozen=True)
class Answer:
    """The answer for one group of comparable trials."""

    heading: str
    reference: Replicates
    """Full fine-tuning; without it the best on validation."""

    wanted: float
    """The score that is good enough: on validation, or on test without validation."""

    named: Replicates | None
    """The named setting; None if nothing meets the limits."""

    meeting: list[Replicates]
    """All settings that meet every limit, the best metric first."""

    prefer: Preference
    """What decided among them: the user's preference, or quality if that cost is unknown for all."""

    excluded: dict[str, list[str]] = field(default_factory=dict)
    """Limit, as the user writes it -> the settings that it excluded, each with its excessive value."""

    notes: list[str] = field(default_factory=list)


def pick(
    results: Sequence[Stored], limits: Limits, task: str | None = None, verdicts: Sequence[Comparison] = ()
) -> list[Answer]:
    """An answer for each group of comparable trials. verdicts: of comparisons, for their paired tests.

    Raises UserError if there is no trial to choose from.
    """
    shown = newest(results)[0]
    if task is not None:
        tasks = {stored.result["recipe"]["task"] for stored in shown}
        if task not in tasks:
            raise UserError(f"--task {task}: no trial of this task; {suggest(task, tasks)}")
        shown = [stored for stored in shown if stored.result["recipe"]["task"] == task]
    groups = replicates_by_group(shown, verdicts)
    if not groups:
        raise UserError("every trial failed: there is nothing to choose from")
    known = baselines.known(stored.result for stored in shown)
    return [_answer(members, limits, known, Tests(verdicts)) for members in groups.values()]


def _answer(members: Sequence[Replicates], limits: Limits, known: Known, tests: Tests) -> Answer:
    excluded: dict[str, list[str]] = {}
    affordable = [each for each in members if not too_costly(each, limits, excluded)]
    selected = _one_per_recipe(members, affordable)
    reference = best_on_validation([each for each in members if each.is_full] or members)
    wanted, methods = bar(reference, limits), candidates(selected, reference)
    standings = [(each, standing(each, reference, wanted, methods)) for each in selected]
    excluded[limits.quality] = [f"{each.name} ({each.score})" for each, how in standings if how == "short"]
    meeting = [each for each, how in standings if each in affordable and how == "shown"]
    may_be = [each for each, how in standings if each in affordable and how == "open"]
    unknown = [each for each, how in standings if each in affordable and how == "unknown"]
    prefer = preferred(meeting, limits.prefer)
    named = min(meeting, key=lambda each: (cost(each, prefer), each.name), default=None)
    notes = [*about_open(may_be, methods), *about_unknown(unknown), *about_group(members, affordable, limits)]
    if named:
        notes = [*about_named(named, meeting, reference, wanted.of(reference.value), known, tests), *notes]
    least = wanted.of(reference.value if reference.validation is None else reference.validation)
    return Answer(heading(reference.first), reference, least, named, meeting, prefer, excluded, notes)


def _one_per_recipe(members: Sequence[Replicates], affordable: Sequence[Replicates]) -> list[Replicates]:
    """Each recipe's setting that is best on validation: selecting on test would make it look better than it is.

    Settings that cost too much are skipped, unless a recipe has no others.
    """
    recipes: dict[str, list[Replicates]] = {}
    for each in members:
        recipes.setdefault(each.recipe, []).append(each)
    within = {recipe: [each for each in several if each in affordable] for recipe, several in recipes.items()}
    selected = [best_on_validation(within[recipe] or several) for recipe, several in recipes.items()]
    return [each for each in members if each in selected]
