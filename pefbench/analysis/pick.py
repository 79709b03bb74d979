"""Which method fits: those that meet the limits and score near full fine-tuning, and one of them by a stated rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from pefbench.analysis.tables import baselines, interval, readable_seconds
from pefbench.analysis.tables.groups import heading
from pefbench.analysis.tables.marks import Tests
from pefbench.analysis.tables.replicates import best_on_validation, replicates_by_group
from pefbench.errors import UserError, suggest
from pefbench.results.store import newest, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pefbench.analysis.tables.marks import Verdict
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.results.schema import Metric, Result
    from pefbench.results.store import Stored

    Known = Mapping[tuple[object, ...], dict[str, Metric]]

FULL = "full"
Preference = Literal["weights", "quality", "adapter", "memory", "time"]
PREFERENCES = get_args(Preference)
_RULES = {
    "weights": "the one that trains the fewest weights",
    "quality": "the one with the best metric",
    "adapter": "the one that saves the fewest bytes",
    "memory": "the one that trains in the least memory",
    "time": "the one that trains in the shortest time",
}


@dataclass(frozen=True)
class Limits:
    """What a method may cost, how good it has to be, and which one is named of those that are."""

    memory: float | None = None
    """Peak memory of training, bytes."""

    adapter: float | None = None
    """Saved weights, bytes."""

    seconds: float | None = None
    """Duration of training."""

    within: float = 0.95
    """Share of full fine-tuning's metric that it must keep; where lower is better it may be 1 / share of it."""

    prefer: Preference = "weights"

    def __post_init__(self) -> None:
        if not 0 < self.within <= 1:
            raise UserError(f"--within {self.within:g}: should be above 0 and at most 1, as in 0.95")


@dataclass(frozen=True)
class Answer:
    """The answer for one group of trials that can be compared. named: None where nothing meets the limits."""

    heading: str
    reference: Replicates
    wanted: float
    """The metric that is good enough."""

    named: Replicates | None
    meeting: list[Replicates]
    """All that meet every limit, best metric first."""

    excluded: dict[str, list[str]] = field(default_factory=dict)
    """Limit, as the user writes it -> what it excluded, each with the value that is too much."""

    notes: list[str] = field(default_factory=list)


def pick(
    results: Sequence[Stored], limits: Limits, task: str | None = None, verdicts: Sequence[Verdict] = ()
) -> list[Answer]:
    """Return an answer for each group of comparable trials. verdicts: what comparisons found, to tell ties by.

    Raises UserError where there is no trial to choose from.
    """
    shown = newest(results)[0]
    if task is not None:
        tasks = {stored.result["recipe"]["task"] for stored in shown}
        if task not in tasks:
            raise UserError(f"--task {task}: no trial of this task; {suggest(task, tasks)}")
        shown = [stored for stored in shown if stored.result["recipe"]["task"] == task]
    groups = replicates_by_group(shown)
    if not groups:
        raise UserError("every trial failed: there is nothing to choose from")
    known = baselines.known(stored.result for stored in shown)
    return [_answer(members, limits, known, Tests(verdicts)) for members in groups.values()]


def _answer(members: Sequence[Replicates], limits: Limits, known: Known, tests: Tests) -> Answer:
    excluded: dict[str, list[str]] = {}
    affordable = [each for each in members if not _too_costly(each, limits, excluded)]
    chosen = _one_a_recipe(members, affordable)
    reference = best_on_validation([each for each in members if each.method == FULL] or members)
    wanted = _wanted(reference, limits.within)
    short = [each for each in chosen if each.sign * each.value < each.sign * wanted]
    excluded[f"--within, {limits.within:g}"] = [f"{each.name} ({_score(each)})" for each in short]
    meeting = [each for each in chosen if each in affordable and each not in short]
    named = min(meeting, key=lambda each: (_preferred(limits.prefer)(each), each.name), default=None)
    notes = list(_notes(members, affordable, limits))
    if named:
        notes = [
            *_doubts(named, reference, wanted),
            *_ties(named, meeting, tests),
            *_baseline(named, known),
            *notes,
        ]
    return Answer(heading(reference.first), reference, wanted, named, meeting, excluded, notes)


def _too_costly(each: Replicates, limits: Limits, excluded: dict[str, list[str]]) -> bool:
    """Note by which limits a setting is excluded, and return whether it is."""
    size = each.adapter_bytes
    costs: list[tuple[str, float | None, float | None, Callable[[float], str]]] = [
        ("--max-memory", limits.memory, each.memory_bytes or None, _bytes),
        ("--max-adapter", limits.adapter, size, _bytes),
        ("--max-train-time", limits.seconds, each.seconds, readable_seconds),
    ]
    over = False
    for option, limit, cost, spell in costs:
        if limit is not None:
            found = excluded.setdefault(f"{option}, {spell(limit)}", [])
            if cost is None or cost > limit:
                found.append(f"{each.name} ({'not recorded' if cost is None else spell(cost)})")
                over = True
    return over


def _one_a_recipe(members: Sequence[Replicates], affordable: Sequence[Replicates]) -> list[Replicates]:
    """Return each recipe's setting that is best on validation: to choose it on test would flatter it.

    Settings that cost too much stand back, unless a recipe has no others.
    """
    recipes: dict[str, list[Replicates]] = {}
    for each in members:
        recipes.setdefault(_recipe(each), []).append(each)
    within = {recipe: [each for each in several if each in affordable] for recipe, several in recipes.items()}
    chosen = [best_on_validation(within[recipe] or several) for recipe, several in recipes.items()]
    return [each for each in members if each in chosen]


def _recipe(each: Replicates) -> str:
    return f"{each.first['recipe']['name']} {each.method}"


def _wanted(reference: Replicates, within: float) -> float:
    """Return the metric that is good enough. A share of 0 or less says nothing, so such a metric is to be reached."""
    value = reference.value
    if value <= 0:
        return value
    return value * within if reference.sign > 0 else value / within


def _preferred(preference: Preference) -> Callable[[Replicates], float]:
    kinds: dict[Preference, Callable[[Replicates], float]] = {
        "weights": lambda each: each.trained,
        "quality": lambda each: -each.sign * each.value,
        "adapter": lambda each: float("inf") if each.adapter_bytes is None else each.adapter_bytes,
        "memory": lambda each: each.memory_bytes or float("inf"),
        "time": lambda each: each.seconds,
    }
    return kinds[preference]


def _doubts(named: Replicates, reference: Replicates, wanted: float) -> Iterator[str]:
    """Say what the numbers do not show, though the answer may read as if they did."""
    worst = named.low if named.sign > 0 else named.high
    if worst is not None and named is not reference and named.sign * worst < named.sign * wanted:
        yield f"its interval reaches {interval(worst, None, None)}, so that it is good enough is likely, not certain"


def _ties(named: Replicates, meeting: Sequence[Replicates], tests: Tests) -> Iterator[str]:
    """Say what is shown to be better, and what is not told apart, by the paired test or else by intervals."""
    others = [(each, tests.tied(named, each)) for each in meeting if each is not named]
    better = [(each, tied) for each, tied in others if each.sign * each.value > each.sign * named.value]
    kinds = {
        "shown to be better than it by the paired test": [each for each, tied in better if tied is False],
        "shown to be better than it (intervals apart)": [
            each for each, tied in better if tied is None and not each.overlaps(named)
        ],
        "tied with it by the paired test": [each for each, tied in others if tied],
        "tied with it (their intervals overlap; only a paired test may tell them apart)": [
            each for each, tied in others if tied is None and each.overlaps(named)
        ],
    }
    for kind, found in kinds.items():
        if found:
            yield f"{kind}: {', '.join(each.name for each in found)}"


def _baseline(named: Replicates, known: Known) -> Iterator[str]:
    row = baselines.beside(named.first, known)
    if row["beats_baseline"] is False:
        yield f"it is not shown to beat a trivial baseline: {row['baseline']}, {row['baseline_value']:.3f}"


def _notes(members: Sequence[Replicates], affordable: Sequence[Replicates], limits: Limits) -> Iterator[str]:
    if not any(each.method == FULL for each in members):
        yield "no trial of full fine-tuning is among these, so the best of them on validation stands for it"
    if unused := len(affordable) - len({_recipe(each) for each in affordable}):
        yield f"settings left out: {unused}; of one recipe the setting that is best on validation was taken"
    if (limits.memory or limits.seconds) and len({_machine(each.first) for each in members}) > 1:
        yield "the trials ran on unlike machines or threads, so times and memory do not compare exactly"


def _machine(result: Result) -> tuple[object, ...]:
    hardware = result["provenance"]["hardware"]
    return (hardware["cpu"], hardware["threads"], hardware["gpu"], result["provenance"]["world_size"])


def render(answers: Sequence[Answer], limits: Limits) -> str:
    """Return the answers as text; without a newline at the end."""
    return "\n\n".join("\n".join([each.heading, "", *_lines(each, limits)]) for each in answers)


def _lines(answer: Answer, limits: Limits) -> Iterator[str]:
    reference, named = answer.reference, answer.named
    sort = "full fine-tuning" if reference.method == FULL else "the best here"
    if named is None:
        yield "NOTHING meets the limits"
    else:
        count = len(answer.meeting)
        of = f"of {count} that meet every limit" if count > 1 else "the only one that meets every limit"
        yield f"{named.name} ({named.method}): {_score(named)}, {_share(named, reference)} of {sort}"
        yield f"  costs: {_costs(named)}"
        yield f"  why it: {of}, {_RULES[limits.prefer]}" if count > 1 else f"  why it: {of}"
    yield f"  good enough: {interval(answer.wanted, None, None)}; {sort}: {reference.name}, {_score(reference)}"
    for limit, names in answer.excluded.items():
        yield f"  excluded by {limit}: {', '.join(names) or 'nothing'}"
    yield from (f"  note: {note}" for note in answer.notes)


def _score(each: Replicates) -> str:
    seeds = f" (mean of {len(each.trials)} seeds)" if len(each.trials) > 1 else ""
    return f"{each.first['headline']} {interval(each.value, each.low, each.high)}{seeds}"


def _share(named: Replicates, reference: Replicates) -> str:
    return f"{named.value / reference.value:.1%}" if reference.value > 0 else "against that"


def _costs(each: Replicates) -> str:
    model = each.first["model"]
    saved = "size not recorded" if each.adapter_bytes is None else f"{_bytes(each.adapter_bytes)} saved"
    trained = f"{readable(each.trained)} weights trained ({model['trainable_percent']:.3g} %)"
    memory = f"{_bytes(each.memory_bytes)} at peak" if each.memory_bytes else "memory not recorded"
    return f"{trained}, {saved}, {memory}, {readable_seconds(each.seconds)} of training"


def _bytes(size: float) -> str:
    return readable(size, "B")
