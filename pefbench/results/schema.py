"""The result file's schema: every field, its meaning and unit.

Fields may be added, never renamed. Only the standard library is imported here, so that `table` and `check` start fast.
An imported result may leave out fields that its tool did not record; pefbench's own results always have them: see
`validation`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal, NotRequired, TypedDict

from pefbench.results.classification_report import Report  # noqa: TC001 - the schema is read at run time

SCHEMA = 1
ID = re.compile(r"[0-9a-f]{12}")


class Hardware(TypedDict):
    """What the trial ran on."""

    cpu: str  # model name of the processor
    cores: int  # cores that the trial could use
    threads: int  # threads that each process did use
    memory_bytes: int  # main memory
    gpu: str | None  # model name of the accelerator; null on a CPU


class Placement(TypedDict):
    """Where a cluster ran the trial."""

    engine: str  # ray | slurm
    node: str  # the cluster's name for it, with its host name
    cpus: int  # given to the trial
    gpus: list[str]  # given to the trial, by the cluster's numbers
    job: NotRequired[str]  # id of the SLURM job


class Provenance(TypedDict):
    """Where a result comes from: enough to run it again."""

    command: str  # the command line
    commit: str | None  # git commit of pefbench; null outside a checkout
    dirty: bool | None  # whether that checkout had changes; null outside a checkout
    packages: dict[str, str]  # name -> version
    hardware: NotRequired[Hardware]  # an imported result leaves it out
    world_size: NotRequired[int]  # processes; an imported result leaves it out
    placement: NotRequired[Placement]  # on a cluster
    precision: str  # fp32 | bf16 | fp16, never auto; unknown in some imported results
    started: str  # ISO 8601, UTC; of a trial that was killed and went on, its first start
    resumed: NotRequired[list[str]]  # ISO 8601, UTC; when it was started again, to go on from a checkpoint
    finished: str  # ISO 8601, UTC; for a failed trial the time of the failure


class Split(TypedDict):
    """The size of one split, as used."""

    examples: int  # after max_examples
    tokens: NotRequired[int]  # without padding, over all rows of the examples; an imported result may leave it out
    truncated: NotRequired[int]  # examples with text beyond max_length; the first results leave it out
    # Examples left out, such as those whose text is also in a later split; an imported result leaves it out.
    dropped: NotRequired[int]
    # Near duplicates of training rows, counting rows that are not scored, too; 0 for train; older files leave it out.
    near_duplicates: NotRequired[int]


class Data(TypedDict):
    """The data set."""

    source: str  # as in the recipe
    fingerprint: str  # hash of the rows
    revision: NotRequired[str | None]  # commit of a hub data set
    skipped: NotRequired[int]  # bad rows left out, under data.on_bad_row: skip
    splits: dict[str, Split]  # train | validation | test


class Model(TypedDict):
    """The base model, and what the method trains."""

    name: str  # as in the recipe
    fingerprint: str  # hash of the base weights
    settings: NotRequired[str]  # hash of config and tokenizer, including those of adapters; older files leave it out
    # Weights of the pretrained model and its head, without those that the method adds; an imported result includes
    # these, or leaves the field out.
    parameters: NotRequired[int]
    trainable_parameters: NotRequired[int]  # an imported result may leave it out
    # 100 * trainable_parameters / parameters; an imported result may leave it out.
    trainable_percent: NotRequired[float]
    # Number of frozen weights, by how they are stored (float32, nf4, ...); older files leave it out.
    frozen: NotRequired[dict[str, int]]
    adapter_bytes: int | None  # size of the saved weights; null when nothing was saved
    adapters: NotRequired[list[StartAdapter]]  # those that training started from; the fingerprint above covers them


class StartAdapter(TypedDict):
    """An adapter that training started from."""

    source: str  # as in the recipe
    fingerprint: str  # hash of its weights
    type: str  # PEFT's name for it; weights: weights of the model itself
    mode: Literal["merge", "stack"]  # merged into the weights, or frozen under the method
    head: Literal["absent", "kept", "fresh"]  # what became of its head; fresh: a new one was initialised


class Phase(TypedDict):
    """The cost of one phase."""

    seconds: float  # wall clock
    processor_seconds: NotRequired[float]  # over all threads; only on a CPU; older files leave it out
    peak_memory_bytes: int  # of the accelerator, or of the process on a CPU


class TrainPhase(Phase):
    """The cost of training, without tokenising and evaluation."""

    steps: int  # optimizer steps
    tokens: NotRequired[int]  # seen in training, without padding; an imported result may leave it out
    padding_fraction: NotRequired[float]  # padding / (tokens + padding), 0 to 1; an imported result leaves it out
    tokens_per_second: NotRequired[float]  # without padding; an imported result may leave it out


class Phases(TypedDict):
    """The phases that the trial reached. None contains another."""

    load: NotRequired[Phase]
    tokenize: NotRequired[Phase]
    train: NotRequired[TrainPhase]
    validate: NotRequired[Phase]  # scoring validation during training, except after the last step; absent: never
    evaluate: NotRequired[Phase]  # predicting each scored split with the trained model


class MetricValue(TypedDict):
    """One value of one metric on one split."""

    value: float  # in the metric's own unit, on all examples, from the library that the signature names
    low: float | None  # 95 % interval; null if there is none
    high: float | None
    examples: int | None  # scored; null if an imported file does not say
    higher_is_better: bool
    signature: str  # everything that changes the number; only equal signatures may be compared
    p_model_no_better: NotRequired[float]  # of a baseline: one-sided, by the paired test on the same examples
    reliable: NotRequired[bool]  # false: too few examples decide the value for its interval to be trusted


class CurvePoint(TypedDict):
    """One interval of training steps. Result files are read without checking these: there are hundreds in each."""

    step: int  # the last of the interval, from 1
    epoch: float  # passes over the training split so far
    loss: float  # mean over the interval
    learning_rate: float  # at that step
    loss_since_validation: NotRequired[float]  # mean over all steps since the last point with `validation`
    validation: NotRequired[dict[str, float]]  # metrics after that step; loss: mean over the targets of validation


class Kept(TypedDict):
    """The weights that a trial kept, and why its training ended."""

    step: int  # from 1; the weights after it
    epoch: float  # passes over the training split by then
    chosen: Literal["last", "best"]  # as train.keep: the last step, or the best headline on validation
    steps: int  # taken in training
    planned: int  # steps of the whole schedule
    stopped: Literal["end", "patience"]  # end of the schedule, or train.patience


class Sample(TypedDict):
    """One test example, for readers."""

    prompt: str
    prediction: Any  # an answer of the task's head
    reference: Any  # what it is compared with


class Artifacts(TypedDict):
    """What the trial saved; paths are relative to the result file."""

    folder: str | None  # adapter or model
    predictions: str | None  # one row per test example


class RoundTrip(TypedDict):
    """The saved model, loaded in a fresh process, which predicts again."""

    reproduced: bool  # the same predictions
    examples: int  # compared
    differ: NotRequired[int]  # how many of them differ, by rounding on a GPU; older files leave it out
    seconds: float


class Inference(TypedDict):
    """How long the test split took to predict, in batches of evaluate.batch_size, all processes together."""

    seconds_per_1000: float  # seconds per 1,000 examples, with the method in place
    merged_seconds_per_1000: float | None  # with it merged into the weights; null if it cannot be, or processes > 1
    merged_same: float | None  # fraction of answers that merging, which rounds, left unchanged
    processes: int


class Foreign(TypedDict):
    """The files of another tool that a result was imported from."""

    tool: str  # lm-evaluation-harness | PEFT method_comparison
    version: str | None  # of the tool; null if its files do not say
    files: dict[str, str]  # file name -> sha256 of the file


class Reached(TypedDict):
    """What a trial adds to its result as it goes; a failed one lacks what it did not reach."""

    data: NotRequired[Data]
    model: NotRequired[Model]
    phases: NotRequired[Phases]
    # Estimates of peak_memory_bytes made before training, by phase; absent if training surely fits.
    expected_peak_bytes: NotRequired[dict[str, int]]
    fast_paths: NotRequired[list[str]]  # faster ways to the same numbers that were used; older files leave it out
    metrics: NotRequired[dict[str, dict[str, MetricValue]]]  # split -> name -> value
    baselines: NotRequired[dict[str, dict[str, MetricValue]]]  # name of a trivial baseline -> name -> value, on test
    thresholds: NotRequired[dict[str, float]]  # label -> probability from which it is predicted, chosen on validation
    headline: NotRequired[str]  # name of the value that trials are ranked by, on test
    report: NotRequired[dict[str, Report]]  # name of the report -> report, on test
    curve: NotRequired[list[CurvePoint]]
    kept: NotRequired[Kept]  # older files leave it out: they kept the last step
    inference: NotRequired[Inference]
    artifacts: NotRequired[Artifacts]
    samples: NotRequired[list[Sample]]  # a few test examples
    round_trip: NotRequired[RoundTrip | None]  # null when there was none
    notes: NotRequired[list[str]]  # what was done; older files have these among the warnings
    warnings: NotRequired[list[str]]  # likely problems
    error_type: NotRequired[str]  # name of the Python exception, if there was one
    foreign: NotRequired[Foreign]  # only in an imported result


class Result(Reached):
    """One trial."""

    schema: int  # SCHEMA
    id: str  # trial_id(recipe, data fingerprint)
    status: Literal["finished", "failed"]
    error: str | None  # one line; null when finished
    scored: NotRequired[list[str]]  # splits that were predicted; absent: validation and test. Tuning leaves test out
    # Fully resolved; `name` is the stem of the recipe file. Each task and method has its own fields.
    recipe: dict[str, Any]
    provenance: Provenance


def is_final(result: Result) -> bool:
    """Whether the test split was scored; if not, the trial is one of tuning, and is not ranked by itself."""
    return "test" in result.get("scored", ["test"])


def read_time(text: str) -> datetime:
    """A time in ISO 8601; one without a zone is in UTC. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
