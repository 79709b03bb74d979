"""The fields of ``comparison.json``: the findings of a comparison, and all its trials.

Fields may be added, never renamed. Only the standard library is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 2

Setting = dict[str, Any]  # recipe field -> value, as in train.learning_rate -> 0.001; any field may be searched


class TrialEntry(TypedDict):
    """One trial."""

    setting: int  # number of its setting among the method's `settings`
    seed: int  # train.seed
    # failed: it diverged; stopped: early, by a pruner; missing: it died or did not run
    status: Literal["finished", "failed", "stopped", "missing"]
    error: str | None
    value: float | None  # of `metric`: on validation for a tuning trial, on test for a final one
    result: str  # its result file, relative to this one; it may not exist
    train_seconds: float | None


class Test(TypedDict):
    """A method on the test split."""

    value: float  # mean over seeds
    low: float | None  # 95 % interval over seeds and examples; null where nothing varies and its width is unknown
    high: float | None
    values: list[float]  # for each of `seeds`


class Costs(TypedDict):
    """What a method costs: means over the seeds of its final trials; peaks are the highest."""

    trainable_parameters: int
    trainable_percent: float  # of the pretrained model and its head
    adapter_bytes: int | None  # size of the saved weights
    train_seconds: float
    train_processor_seconds: NotRequired[float | None]  # over all threads; null on a GPU and for older files
    evaluate_seconds: float  # validation and test together
    peak_memory_bytes: dict[str, int]  # phase -> of the accelerator, or of the process on a CPU
    tuning_seconds: float  # training of all its tuning trials together
    inference_seconds_per_1000: NotRequired[float | None]  # test examples, with the adapter in place
    merged_seconds_per_1000: NotRequired[float | None]  # with the adapter merged; null if it cannot be
    pscp: NotRequired[float | None]  # composite score with the constants in `pscp`; null if an input is missing


class MethodVerdict(TypedDict):
    """One method."""

    name: str  # as in the comparison file
    method: dict[str, Any]  # the recipe's method section: each method has its own options
    settings: list[Setting]  # all that were tried
    validation: list[float | None]  # for each setting, the mean over tuning seeds; null if a trial failed
    chosen: int | None  # number of the setting that was best on validation
    expected_best: list[float]  # on validation, of the best of 1, 2, ... trials (see stats.expected_best)
    tuning_examples: NotRequired[int]  # training examples seen in tuning, over all settings and seeds
    tuning: list[TrialEntry]
    final: list[TrialEntry]
    test: Test | None  # null while final trials are missing
    best: bool  # highest mean on test (lowest, if lower is better)
    # Not shown to differ from the best; null without a test value, or with one seed, which says nothing about methods.
    tied: bool | None
    # Against the best; null: as for `tied`, or it is the best.
    answer: Literal["worse", "equivalent", "undecided"] | None
    costs: Costs | None
    notes: list[str]


class SeedMcNemar(TypedDict):
    """Two runs with one seed: the examples that only one of them has right, and the exact two-sided p."""

    seed: int
    only_first: int
    only_second: int
    p: float


class PairVerdict(TypedDict):
    """Two methods on the same test examples."""

    first: str
    second: str
    difference: float  # mean of the first minus mean of the second
    low: float | None  # 95 % interval, of this pair alone; null where nothing varies and its width is unknown
    high: float | None
    p: float  # two-sided, of this pair alone
    p_adjusted: float  # over all pairs, by `test`; a pair differs if it is below `level`
    p_runs: float  # whether these runs differ, over test examples alone; says nothing about methods
    standard_error: float
    freedom: float  # degrees of freedom of the standard error
    # Smallest true difference that would be shown in 80 % of cases, at the level over all pairs; null where nothing
    # varies.
    detectable: float | None
    # The first, against the second; null with one seed.
    answer: Literal["better", "worse", "equivalent", "undecided"] | None
    within_margin: bool  # whether the difference is shown to be smaller than `margin`
    # Number of seeds of the earlier look that decided the pair; these are the values of that look.
    decided_at: NotRequired[int]
    identical: bool  # no answer differs, in any seed
    # Seeds that would decide an undecided pair in 80 % of cases if the observed difference is the true one; null if no
    # number up to 100 would.
    seeds_needed: int | None
    # Test examples that would, if more seeds would not; with as many seeds as now, ten at least.
    examples_needed: int | None
    # For each seed, if the metric is the fraction of right examples and the examples are independent; else empty.
    mcnemar: list[SeedMcNemar]


class Searching(TypedDict):
    """How Optuna tuned each method."""

    sampler: str
    prune: str
    examples: int  # training examples that each method may see


class Heading(TypedDict):
    """What was compared, and how."""

    schema: int  # SCHEMA
    name: str
    task: str
    model: str
    data: dict[str, str]  # fingerprints of the data and of the model's weights; empty without final trials
    metric: str
    higher_is_better: bool
    signature: str | None  # of the metric
    precision: str | None
    trials: int  # settings that each method may try; with `compute`, the most that one has tried
    compute: NotRequired[int]  # training examples that each method may see in tuning, instead of `trials`
    search: NotRequired[Searching]  # instead of `trials`; `trials` is then the most settings that a method has tried
    tuning_seeds: list[int]
    seeds: list[int]
    examples: int | None  # of the test split
    test: str  # how pairs were tested
    pscp: NotRequired[dict[str, float]]  # constants of the composite score, if the comparison file has them


class Comparison(Heading):
    """A comparison: methods in the file's order."""

    level: float  # of this look, over all pairs
    looks: list[int]  # numbers of seeds at which pairs are tested; they share the level of 0.05
    margin: float  # methods that differ by less are equivalent
    monte_carlo_error: float  # of a p_adjusted at `level`
    complete: bool  # whether every method has all its trials
    smallest_difference: float | None  # median of the pairs' `detectable`, if there are any
    methods: list[MethodVerdict]
    pairs: list[PairVerdict]
    notes: list[str]
    finished: str  # ISO 8601, UTC


LEVEL = 0.05


def differs(comparison: Comparison, pair: PairVerdict) -> bool:
    """Whether a pair was shown to differ, by the test of its comparison."""
    return pair["p_adjusted"] < comparison["level"]


def is_equivalent(pair: PairVerdict) -> bool:
    """Whether a pair was shown to differ by less than the margin of its comparison, and not shown to differ."""
    return pair["answer"] == "equivalent"


def is_about_methods(comparison: Comparison) -> bool:
    """Whether a verdict is about methods: with one seed it is only about these runs, as other seeds may differ."""
    return len(comparison["seeds"]) > 1


def with_best(name: str, best: str | None, pairs: Sequence[PairVerdict]) -> PairVerdict | None:
    """The pair of a method and the best; None for the best itself."""
    return next((pair for pair in pairs if {pair["first"], pair["second"]} == {name, best}), None)
