"""The trials of a search, run by its worker processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pefbench.engines.engine import CLUSTERS
from pefbench.engines.messages import trial_request
from pefbench.errors import OutputError, TrialError, counted
from pefbench.progress import say
from pefbench.results import store
from pefbench.results.address import place_at
from pefbench.search.wanted import TUNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.engines.engine import Engine
    from pefbench.engines.messages import Message, TrialRequest
    from pefbench.recipe import Recipe
    from pefbench.results.place import Place
    from pefbench.search.wanted import Searched, Wanted

ATTEMPTS = 2
"""How often a trial is run if its process dies."""


class Objective(NamedTuple):
    """What a search optimises: a metric on validation. examples: size of the training split."""

    metric: str
    higher: bool  # whether higher is better
    examples: int


class Trials:
    """Runs the trials of a search. place: of the trials that are not final."""

    def __init__(self, wanted: Wanted, place: Place, pool: Engine) -> None:
        self.wanted, self.place, self.pool = wanted, place, pool

    def look(self, methods: Sequence[Searched]) -> tuple[Objective, list[str]]:
        """Read the data; return the objective, and for each method the path of a trial's result. Raises a UserError."""
        first = [self.request(each.recipe(next(each.space.extremes())), TUNING) for each in methods]
        largest = [self.request(each.recipe([*each.space.extremes()][-1]), TUNING) for each in methods]
        answer = self.pool.inspect({"do": "inspect", "trials": [*first, *largest], "room": True})
        self._bound_disk(answer["room"])
        if answer["gpus"]:
            self.pool.use_gpus(answer["gpus"])
        metric = answer["headline"]
        objective = Objective(metric, answer["higher_is_better"][metric], answer["training_examples"])
        return objective, answer["paths"][: len(first)]

    def _bound_disk(self, trial: int) -> None:
        """Print how much disk space the search takes at most. Raises OutputError if there is less.

        trial: bytes of the largest trial, including its checkpoint.
        """
        most, left = trial * max(self.pool.size, self.wanted.keep), trial * self.wanted.keep
        say(
            f"disk: at most {store.readable(most, 'B')} while it searches, {store.readable(left, 'B')} at the end "
            f"({counted(self.wanted.keep, 'model')}), with the record"
        )
        self.place.check(most)

    def request(self, recipe: Recipe, scored: Sequence[str], out: Place | None = None) -> TrialRequest:
        """A trial's request. out: the place of a final trial; None: the search's own place."""
        return trial_request(recipe, scored, out or self.place, self.wanted.command)

    def run(self, request: TrialRequest) -> Message:
        """The worker's answer, with its `path` on this machine; an error if the trial's process dies every time."""
        died = ""
        for _ in range(ATTEMPTS):
            try:
                answer = self.pool.one({**request})
            except TrialError as error:
                if self.pool.stopped:
                    raise
                died = str(error)
                continue
            if "path" not in answer:
                return answer
            path = self.place.folder / str(answer["path"])
            self.place.fetch(path)
            return {"path": str(path)}
        return {"error": died, "exit_status": 1}

    def run_all(self, requests: Sequence[TrialRequest]) -> list[Path | None]:
        """The results of trials, which are run if missing; None for those that failed."""
        answer = self.pool.inspect({"do": "inspect", "trials": [*requests]})
        errors: dict[int, str] = {}

        def tell(number: int, event: str, error: str | None) -> None:
            if event == "ended" and error is not None:
                errors[number] = error
                say(f"failed: {error}")
            elif event == "ended":
                place_at(requests[number]["out"]).fetch(Path(answer["paths"][number]))

        self.pool.run([{**request} for request in requests], tell)
        return [None if number in errors else Path(path) for number, path in enumerate(answer["paths"])]


def check_shared(place: Place, pool: Engine, storage: str | None) -> None:
    """Raise OutputError if trials on other machines could not reach their study, a journal beside the results."""
    if pool.resources.on in CLUSTERS and storage is None and "://" in str(place):
        raise OutputError(
            f"--on {pool.resources.on} with results at {place}: the study's journal needs a folder that all nodes see; "
            "give --out one, or `pefbench search` a database as its --storage"
        )


def score(path: Path, metric: str) -> float:
    """A trial's validation score. path: of its result."""
    return store.read_result(path)["metrics"]["validation"][metric]["value"]
