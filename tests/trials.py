"""Trials of the small world, each run once for all tests of what is loaded from them."""

from __future__ import annotations

import io
import json
import random
import time
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pefbench.errors import RoundTripError, UserError
from pefbench.recipe import load_recipe, resolve
from pefbench.trial import round_trip, run
from tests import tiny
from tests.tokenizers import CHAT, single_bytes
from tests.worlds import PEOPLE, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pefbench.results.schema import RoundTrip
    from tests.worlds import World


IN_FRESH_PROCESS = round_trip.check_in_fresh_process


def check_here(folder: Path, **_: bool) -> RoundTrip:
    """What `round_trip.check_in_fresh_process` does, in this process."""
    started, out = time.perf_counter(), io.StringIO()
    try:
        with torch.random.fork_rng(devices=[]), redirect_stdout(out), redirect_stderr(out):
            found = round_trip.verify(folder)
    except UserError as error:
        raise RoundTripError(str(error)) from None
    return {"reproduced": True, **found, "seconds": time.perf_counter() - started}


@pytest.fixture(scope="session", autouse=True)
def _round_trips_here() -> Iterator[None]:
    """Let trials of the tests' own process check their round trips in it: a process costs more than most such trials.

    Those that the tests start as commands have processes for it, and those of tests with `fresh_round_trips`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(round_trip, "check_in_fresh_process", check_here)
        yield


@pytest.fixture
def fresh_round_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the round trips of this test in a fresh process, as a user's trial does."""
    monkeypatch.setattr(round_trip, "check_in_fresh_process", IN_FRESH_PROCESS)


def labelled(count: int, *, seed: int) -> list[tuple[str, str]]:
    """Texts of 2 to 12 words, each of persons or of places, and labelled by that."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        label, names = draw.choice((("person", PEOPLE), ("place", PLACES)))
        words = draw.choices(("saw", "the", "river", *names), k=draw.randint(1, 11))
        found[" ".join([draw.choice(names), *words])] = label
    return list(found.items())


@pytest.fixture(scope="session")
def tagger(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a finished trial of entity recognition."""
    return run.run(load_recipe(world.recipe("tagger", train__epochs=4)), tmp_path_factory.mktemp("tagger"))


@pytest.fixture(scope="session")
def classifier(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a finished trial of classification, in whose test split some texts are cut."""
    file = world.folder / "labelled.csv"
    rows = [f"{text},{label}" for text, label in labelled(200, seed=1)]
    file.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf8")
    changes = {"train__max_length": 10, "train__epochs": 4}
    recipe = world.recipe("classifier", task="sentiment", data={"source": f"file:{file}"}, **changes)
    return run.run(load_recipe(recipe), tmp_path_factory.mktemp("classifier"))


def dialogue(folder: Path, prompts: Sequence[str], *, method: str = "lora", **changes: Any) -> Path:
    """The result of a trial of dialogue, its model hardly trained: it says something, and that is enough."""
    sizes = {"vocab_size": 260, "initializer_range": 0.3, "max_position_embeddings": 128, **changes}
    tiny.causal_lm("llama", **sizes).save_pretrained(folder / "base")
    tokenizer = single_bytes("llama")
    tokenizer.chat_template, tokenizer.model_max_length = CHAT, 128
    tokenizer.save_pretrained(folder / "base")
    rows = [{"prompt": prompt, "completion": f"I am {number}."} for number, prompt in enumerate(prompts)]
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
    raw = {
        "task": "dialogue",
        "options": {"max_new_tokens": 24},
        "model": {"name": f"file:{folder / 'base'}"},
        "data": {"source": f"file:{folder / 'rows.jsonl'}"},
        "method": {"name": method},
        "train": {"epochs": 1, "batch_size": 8, "threads": 1, "max_length": 64, "precision": "fp32"},
    }
    return run.run(resolve(raw, name="lora_dialogue"), folder / "results")
