"""What `compare` and `search` send their worker processes, and what these answer: a line of JSON each way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from pefbench.results.schema import Placement  # noqa: TC001 - the shape is read from the class
from pefbench.yaml_text import Values  # noqa: TC001 - the shape is read from the class

Message = Mapping[str, object]
"""Any of the messages below; a process passes them on as they are."""


PrunerName = Literal["asha", "median", "wilcoxon", "none"]


class Judged(TypedDict):
    """The trial of a study that a training run is: it reports there, and is told when to stop."""

    storage: str  # Optuna's: a journal file's path, or a URL of a database
    study: str  # its name
    trial: int  # Optuna's id of the trial
    metric: str  # the value of validation that is reported
    pruner: PrunerName
    examples: int  # of the training split, by which what it has seen is counted


class TrialRequest(TypedDict):
    """A trial to run."""

    recipe: Values  # `Recipe.requested`; any recipe's JSON, checked by `load_resolved`
    scored: list[str]  # splits to predict
    out: str  # folder of results, or the address of a store
    command: str  # the user's command line, for provenance
    judged: NotRequired[Judged]  # of a search
    placement: NotRequired[Placement]  # where a cluster runs it
    patience: NotRequired[float | None]  # seconds to wait where another process runs it; None: until it has ended


class RunRequest(TrialRequest):
    """Run a trial."""

    do: Literal["run"]


class InspectRequest(TypedDict):
    """Look at trials without running them."""

    do: Literal["inspect"]
    trials: list[TrialRequest]
    room: NotRequired[bool]  # whether the models are to be made, to know what the trials take on the disk


class Inspection(TypedDict):
    """The answer to `inspect`: what takes the data or torch to know."""

    paths: list[str]  # result file of each trial, whether it exists or not
    headline: str  # first value of the recipe's first metric
    higher_is_better: dict[str, bool]  # value of a metric -> direction
    untestable: list[str]  # of these, those that no sample of the examples has
    training_examples: int  # of the training split, after train.max_examples
    gpus: int
    room: NotRequired[int]  # bytes that the largest of the trials takes on the disk, where that was asked


class Ran(TypedDict):
    """The answer to `run`."""

    path: str  # the result file, below `out`


class Held(TypedDict):
    """The answer to `run` of a trial that another process runs."""

    held: str  # in words


class Preempted(TypedDict):
    """The answer to `run` of a trial that was told to stop, and has written a checkpoint."""

    preempted: str  # where


class Pruned(TypedDict):
    """The answer to `run` of a trial that was stopped early."""

    pruned: str  # where


class Failure(TypedDict):
    """The answer to a request that failed."""

    error: str
    exit_status: int
