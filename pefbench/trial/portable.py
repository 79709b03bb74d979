"""Files beside a saved model that let it leave the machine that trained it.

These are the tokenizer; the recipe, the labels and the head (ABOUT); the base's address and the fingerprint of its
weights; and a model card. The folder contains no absolute path of the machine: a base or data in a folder is named by
that folder's own name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.errors import DataError
from pefbench.heads.settled import kind_of, settled
from pefbench.models.from_pretrained import ADAPTER, read_json
from pefbench.trial.adapters import joined_fingerprint
from pefbench.trial.card import CARD, card
from pefbench.trial.machine import without_folders
from pefbench.trial.saved import ABOUT, base_name

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.schema import Reached
    from pefbench.trial.cache import Shared
    from pefbench.trial.prepare import Prepared, Ready
    from pefbench.trial.saved import SavedBase, SavedTrial


def complete(folder: Path, prepared: Prepared, reached: Reached) -> SavedTrial:
    """Write what belongs beside the weights in `folder`; return what is known of the trial. Raises OutputError."""
    model = reached["model"]
    base: SavedBase = {"source": model["name"], "fingerprint": model["fingerprint"]}
    known: SavedTrial = {**_about(prepared, base), "fast_paths": reached.get("fast_paths", [])}
    recipe = known["recipe"]
    with atomic.output_errors(folder):
        prepared.tokenizer.save_pretrained(folder)
        if (folder / ADAPTER).is_file():
            _name_base(folder / ADAPTER, prepared)
        text = json.dumps(known, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / ABOUT).write_text(f"{without_folders(text, recipe)}\n", encoding="utf8")
        (folder / CARD).write_text(without_folders(card(prepared, reached, folder), recipe), encoding="utf8")
    return known


def _about(prepared: Prepared, base: SavedBase) -> SavedTrial:
    """What is known of a trial when its model is saved."""
    from torch import get_num_threads

    head, dataset = prepared.head, prepared.corpus.dataset
    known: SavedTrial = {
        "recipe": prepared.recipe.resolved(),
        "fingerprint": prepared.corpus.fingerprint,
        "threads": get_num_threads(),
        "labels": [*head.config().get("id2label", {}).values()],
        "task_type": head.task_type,
        "head": {"kind": kind_of(dataset), "values": settled(dataset)},
        "base": base,
    }
    return {**known, "thresholds": dict(head.thresholds)} if head.thresholds else known


def check_base(ready: Ready, trial: SavedTrial, shared: Shared) -> None:
    """Raise DataError if a saved model would be applied to other weights than it was trained on."""
    base = trial.get("base")
    if base is None or ready.recipe.method.trains_everything:  # an older trial, or a whole model
        return
    weights, stated = shared.fingerprint(ready.base), [adapter.stated() for adapter in ready.adapters]
    if joined_fingerprint(weights, stated) != base["fingerprint"]:
        raise DataError(
            f"{ready.recipe.model.name}: other weights than those that this trial was trained on (fingerprint "
            f"{base['fingerprint'][:12]})"
        )


def _name_base(file: Path, prepared: Prepared) -> None:
    before, model = prepared.adapters, prepared.recipe.model
    source = before[-1].source if before else model.name
    changed = {"base_model_name_or_path": base_name(source), "revision": None if before else model.revision}
    file.write_text(json.dumps({**read_json(file), **changed}, indent=2, sort_keys=True), encoding="utf8")
