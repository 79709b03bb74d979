"""A question-answering model under PEFT gets all its inputs, with any method."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from pefbench.heads._pairs import SEGMENTS
from pefbench.recipe import load_recipe
from pefbench.registry import names
from pefbench.trial import build
from pefbench.trial.batching import collate
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from tests.inference.test_kinds import TASKS, rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

TASK = "question_answering"


@pytest.mark.parametrize("method", sorted(set(names("method")) - {"peft"}))
def test_the_question_is_told_from_its_context(method: str, world: World, tmp_path: Path) -> None:
    lines = dict.fromkeys(json.dumps(each) for each in rows(TASK))
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    data = {"source": f"file:{tmp_path / 'rows.jsonl'}"}
    recipe = world.recipe("questions", task=TASK, data=data, options=TASKS[TASK], method={"name": method})
    prepared = prepare(load_recipe(recipe), Phases())
    model = build.with_method(prepared, build.pretrained(prepared)).eval()
    batch = collate(prepared.encoded["train"], np.arange(2))
    with torch.no_grad():
        told = prepared.head.loss_sum(model, batch)
        untold = prepared.head.loss_sum(model, {**batch, SEGMENTS: 1 - batch[SEGMENTS]})
    assert told != untold
