"""The model card's code, run without pefbench, computes the same for saved models of any method and head.

But for those whose card imports pefbench: these PEFT alone refuses.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import torch

import pefbench
from pefbench.errors import MethodError
from pefbench.recipe import load_recipe
from pefbench.registry import names
from pefbench.trial import run
from tests.inference.test_kinds import TASKS, rows
from tests.trials import dialogue, labelled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forked import Interpreter
    from tests.worlds import World

OURS = {"bottleneck", "compacter", "mam", "boft"}
OPEN = """
import sys
sys.modules["pefbench"] = None
import torch
for code, given, to in {jobs!r}:
    names = dict()
    try:
        exec(code, names)
    except Exception as error:
        print("refused")
        continue
    with torch.no_grad():
        found = names["model"](**torch.load(given))
    torch.save([each for each in (found.get("logits"), found.get("start_logits"), found.get("end_logits"))
        if each is not None], to)
    print("opened")
"""


def trial(task: str, method: str, world: World, folder: Path) -> Path:
    """The model's folder of a short trial."""
    if task == "dialogue":
        prompts = [f"Who is {number}?" for number in range(40)]
        return dialogue(folder, prompts, method=method).with_suffix("") / "model"
    changes: dict[str, Any] = {"method": {"name": method}, "train__epochs": 0.3, "task": task}
    if task == "sentiment":
        lines = ["text,label", *(f"{text},{label}" for text, label in labelled(100, seed=1))]
        (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf8")
        changes["data"] = {"source": f"file:{folder / 'rows.csv'}"}
    elif task != "ner":
        lines = [*dict.fromkeys(json.dumps(row) for row in rows(task))]
        (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
        changes |= {"data": {"source": f"file:{folder / 'rows.jsonl'}"}, "options": TASKS[task]}
    recipe = world.recipe(f"plain_{task}_{method}", **changes)
    return run.run(load_recipe(recipe), folder / "results").with_suffix("") / "model"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ner", "sentiment", "dialogue", *TASKS])
def test_plain_peft_computes_the_same(task: str, world: World, below_peft: Interpreter, tmp_path: Path) -> None:
    jobs, expected = [], {}
    ids = torch.randint(5, 40, (3, 10), generator=torch.Generator().manual_seed(0))
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    given["attention_mask"][1, -4:] = 0
    torch.save(given, tmp_path / "given.pt")
    for method in [name for name in names("method") if name != "peft"]:
        folder = tmp_path / method
        folder.mkdir()
        try:
            model = trial(task, method, world, folder)
        except MethodError:  # bitfit and head_only of a Llama
            continue
        base = folder / "base" if task == "dialogue" else world.model
        _, code = re.findall(r"```python\n(.*?)```", (model / "README.md").read_text(encoding="utf8"), re.DOTALL)
        here = code.replace('folder = "."', f'folder = "{model}"')
        here = re.sub(r'^base = ".*?"', f'base = "{base}"', here, flags=re.MULTILINE)
        jobs.append((here, str(tmp_path / "given.pt"), str(folder / "found.pt")))
        with torch.no_grad():
            found = pefbench.load(model)._model(**given)
        parts = (found.get("logits"), found.get("start_logits"), found.get("end_logits"))
        expected[method] = [each for each in parts if each is not None]
    said = below_peft.run(OPEN.format(jobs=jobs)).splitlines()
    opened = {method for method, line in zip(expected, said, strict=True) if line == "opened"}
    assert {*expected} - opened == OURS
    for method in opened:
        for one, other in zip(torch.load(tmp_path / method / "found.pt"), expected[method], strict=True):
            own = one.narrow(1, one.shape[1] - other.shape[1], other.shape[1])  # those of virtual tokens stand first
            torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-5)
