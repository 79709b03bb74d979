"""The messages between `compare` or `search` and their worker processes: one line of JSON each way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from pefbench.results.schema import Placement  # noqa: TC001 - the shape is read from the class
from pefbench.yaml_text import Values  # noqa: TC001 - the shape is read from the class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.recipe import Recipe
    from pefbench.results.place import Place

Message = Mapping[str, object]
"""Any of the messages below; a process passes them on unchanged."""


PrunerName = Literal["asha", "median", "wilcoxon", "none"]


class Judged(TypedDict):
    """The study trial that a training run belongs to: the run reports to the study, which may stop it early."""

    storage: str  # Optuna's: a journal file's path, or a URL of a database
    study: str  # its name
    trial: int  # Optuna's id of the trial
    metric: str  # the validation value that is reported
    pruner: PrunerName
    examples: int  # size of the training split, to count the examples seen


class TrialRequest(TypedDict):
    """A trial to run."""

    recipe: Values  # `Recipe.requested`; any recipe's JSON, checked by `load_resolved`
    scored: list[str]  # splits to predict
    out: str  # folder of results, or the address of a store
    command: str  # the user's command line, for provenance
    judged: NotRequired[Judged]  # of a search
    placement: NotRequired[Placement]  # where a cluster runs it
    patience: NotRequired[float | None]  # seconds to wait if another process runs it; None: until it has ended


def trial_request(recipe: Recipe, scored: Sequence[str], out: Place, command: str = "") -> TrialRequest:
    """The request for a recipe's trial. scored: the splits to predict. command: as in `TrialRequest`."""
    return {"recipe": recipe.requested(), "scored": [*scored], "out": str(out), "command": command}


class RunRequest(TrialRequest):
    """Run a trial."""

    do: Literal["run"]


class InspectRequest(TypedDict):
    """Look at trials without running them."""

    do: Literal["inspect"]
    trials: list[TrialRequest]
    room: NotRequired[bool]  # whether to build the models, to find the disk space that the trials take


class Inspection(TypedDict):
    """The answer to `inspect`: facts that need the data or torch."""

    paths: list[str]  # result file of each trial, whether it exists or not
    headline: str  # first value of the recipe's first metric
    higher_is_better: dict[str, bool]  # value of a metric -> direction
    untestable: list[str]  # those of these values that cannot be computed on resamples of the examples
    training_examples: int  # size of the training split, after train.max_examples
    gpus: int
    room: NotRequired[int]  # bytes that the largest trial takes on the disk, if requested


class Ran(TypedDict):
    """The answer to `run`."""

    path: str  # the result file, below `out`


class Held(TypedDict):
    """The answer to `run` if another process runs the trial."""

    held: str  # who holds it, in words


class Preempted(TypedDict):
    """The answer to `run` if the trial was asked to stop and has written a checkpoint."""

    preempted: str  # where


class Pruned(TypedDict):
    """The answer to `run` if the trial was stopped early."""

    pruned: str  # where


class Failure(TypedDict):
    """The answer to a request that failed."""

    error: str
    exit_status: int
