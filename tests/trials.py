"""Trials of the small world, each run once and shared by all tests that load it."""

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
    """Like `round_trip.check_in_fresh_process`, but in this process."""
    started, out = time.perf_counter(), io.StringIO()
    try:
        with torch.random.fork_rng(devices=[]), redirect_stdout(out), redirect_stderr(out):
            found = round_trip.verify(folder)
    except UserError as error:
        raise RoundTripError(str(error)) from None
    return {"reproduced": True, **found, "seconds": time.perf_counter() - started}


@pytest.fixture(scope="session", autouse=True)
def _round_trips_here() -> Iterator[None]:
    """Check round trips in the test's own process: a fresh one takes longer than most of these trials.

    Trials that tests start as commands, and those of tests with `fresh_round_trips`, use a fresh process.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(round_trip, "check_in_fresh_process", check_here)
        yield


@pytest.fixture
def fresh_round_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check this test's round trips in a fresh process, as for users."""
    monkeypatch.setattr(round_trip, "check_in_fresh_process", IN_FRESH_PROCESS)


def labelled(count: int, *, seed: int) -> list[tuple[str, str]]:
    """Distinct texts of 2 to 12 words that name either persons or places, with that as their label."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        label, names = draw.choice((("person", PEOPLE), ("place", PLACES)))
        words = draw.choices(("saw", "the", "river", *names), k=draw.randint(1, 11))
        found[" ".join([draw.choice(names), *words])] = label
    return list(found.items())


@pytest.fixture(scope="session")
def tagger(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a finished trial's result: entity recognition."""
    return run.run(load_recipe(world.recipe("tagger", train__epochs=4)), tmp_path_factory.mktemp("tagger"))


@pytest.fixture(scope="session")
def classifier(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a finished trial's result: classification, with some truncated test texts."""
    file = world.folder / "labelled.csv"
    rows = [f"{text},{label}" for text, label in labelled(200, seed=1)]
    file.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf8")
    changes = {"train__max_length": 10, "train__epochs": 4}
    recipe = world.recipe("classifier", task="sentiment", data={"source": f"file:{file}"}, **changes)
    return run.run(load_recipe(recipe), tmp_path_factory.mktemp("classifier"))


def dialogue(folder: Path, prompts: Sequence[str], *, method: str = "lora", **changes: Any) -> Path:
    """The path of a dialogue trial's result. Its model is hardly trained: the tests only need some text."""
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
