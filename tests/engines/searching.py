"""A search over four settings, to compare an engine with local worker processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pefbench.results.store import read_result
from pefbench.search import record
from pefbench.search.find import find
from pefbench.search.wanted import Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.engines.engine import Resources
    from tests.worlds import World

SPACE = {"train.learning_rate": [0.001, 0.01], "method.rank": [2, 4]}


def searched(world: World, out: Path, resources: Resources) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the search found, in whatever order its trials ran, and where each of them ran."""
    file = world.recipe("searched", search=SPACE, train__epochs=2, train__max_examples=64)
    wanted = Wanted(file, out, trials=4, sampler="grid", pruner="none", racing=2, seeds=2, resources=resources)
    path = find(wanted)
    found = record.read(path)
    [method] = found["methods"].values()
    summary = {
        "tried": {json.dumps(each["setting"]): (each["value"], each["examples"]) for each in method["trials"]},
        "race": {json.dumps(each["setting"]): (each["values"], each["dropped"]) for each in found["race"]},
        "named": found["named"]["setting"],
        "metrics": [read_result(path.parent / each)["metrics"] for each in found["named"]["results"]],
    }
    results = [read_result(each) for each in out.rglob("????????????.json")]
    return summary, [{**each["provenance"].get("placement", {})} for each in results]
