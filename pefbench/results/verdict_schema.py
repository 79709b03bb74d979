"""The fields of ``comparison.json``: what a comparison found, and every trial that it took.

Fields may be added, never renamed. Only the standard library is imported here.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

SCHEMA = 1

Setting = dict[str, Any]  # recipe field -> value, as in train.learning_rate -> 0.001; any field may be searched


class TrialEntry(TypedDict):
    """One trial."""

    setting: int  # number of its setting among the method's `settings`
    seed: int  # train.seed
    status: Literal["finished", "failed", "missing"]  # failed: it diverged; missing: it died or did not run
    error: str | None
    value: float | None  # of `metric`: on validation for a tuning trial, on test for a final one
    result: str  # its result file, relative to this one; it may not exist
    train_seconds: float | None


class Test(TypedDict):
    """A method on the test split."""

    value: float  # mean over seeds
    low: float  # 95 % interval over seeds and examples
    high: float
    values: list[float]  # for each of `seeds`


class Costs(TypedDict):
    """What a method costs: of its final trials, the mean over seeds; peaks are the highest."""

    trainable_parameters: int
    trainable_percent: float  # of the pretrained model and its head
    adapter_bytes: int | None  # what is saved
    train_seconds: float
    evaluate_seconds: float  # validation and test together
    peak_memory_bytes: dict[str, int]  # phase -> of the accelerator, or of the process on a CPU
    tuning_seconds: float  # training of all its tuning trials together
    inference_seconds_per_1000: NotRequired[float | None]  # test examples, with the adapter in place
    merged_seconds_per_1000: NotRequired[float | None]  # with the adapter merged; null where it cannot be
    pscp: NotRequired[float | None]  # composite score by the constants in `pscp`; null where an input is missing


class MethodVerdict(TypedDict):
    """One method."""

    name: str  # as in the comparison file
    method: dict[str, Any]  # the recipe's method section: each method has its own options
    settings: list[Setting]  # all that were tried
    validation: list[float | None]  # for each setting the mean over tuning seeds; null where a trial failed
    chosen: int | None  # number of the setting that was best on validation
    expected_best: list[float]  # on validation, of the best of 1, 2, ... trials (see stats.expected_best)
    tuning: list[TrialEntry]
    final: list[TrialEntry]
    test: Test | None  # null while final trials are missing
    best: bool  # highest mean on test (lowest, where lower is better)
    tied: bool | None  # undecided: not shown to differ from the best at 5 % after Holm; null without a test value or
    # with one seed, which tells of runs alone
    costs: Costs | None
    notes: list[str]


class SeedMcNemar(TypedDict):
    """Two runs of one seed: examples that one alone has right, and the exact two-sided p."""

    seed: int
    only_first: int
    only_second: int
    p: float


class PairVerdict(TypedDict):
    """Two methods on the same test examples."""

    first: str
    second: str
    difference: float  # mean of the first minus mean of the second
    low: float  # 95 % interval, of this pair alone
    high: float
    p: float  # two-sided, of this pair alone
    p_holm: float  # after Holm's correction over all pairs
    standard_error: float
    freedom: float  # degrees of freedom of the standard error
    detectable: float  # smallest true difference shown with 80 % power at 5 %
    detectable_holm: float  # the same at 5 % over the number of pairs, the level of Holm's first step
    mcnemar: list[SeedMcNemar]  # for each seed, where the metric is the fraction of right examples; else empty


class Heading(TypedDict):
    """What was compared, by what."""

    schema: int  # SCHEMA
    name: str
    task: str
    model: str
    data: dict[str, str]  # fingerprints of the data and of the model's weights; empty without final trials
    metric: str
    higher_is_better: bool
    signature: str | None  # of the metric
    precision: str | None
    trials: int  # settings that each method tried
    tuning_seeds: list[int]
    seeds: list[int]
    examples: int | None  # of the test split
    test: str  # how pairs were tested
    pscp: NotRequired[dict[str, float]]  # constants of the composite score, where the comparison file has them


class Comparison(Heading):
    """A comparison: methods in the file's order."""

    complete: bool  # whether every method has all its trials
    smallest_difference: float | None  # median of the pairs' `detectable`
    methods: list[MethodVerdict]
    pairs: list[PairVerdict]
    notes: list[str]
    finished: str  # ISO 8601, UTC


def is_about_methods(comparison: Comparison) -> bool:
    """Whether a verdict may speak of methods: one seed tells of these runs alone, for the next may score otherwise."""
    return len(comparison["seeds"]) > 1
