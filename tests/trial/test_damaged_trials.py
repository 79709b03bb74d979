"""Damaged trials given to `pefbench verify`: one line that names the damage, never a traceback."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.cli.main import main
from pefbench.recipe import load_recipe
from pefbench.trial import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

Edit = Callable[[bytes], bytes]
TRIAL = "trial/trial.json"
PREDICTIONS = "trial/predictions.jsonl"
BASE = ("base/config.json", "base/model.safetensors", "base/tokenizer.json", "base/tokenizer_config.json")
LONG = "é\n\u202e\x1b[31m" * 200
VALUES: tuple[Any, ...] = (None, True, -1, 10_000_000, 10**400, 0.5, "", LONG, [], {}, [[1]], {"": 0})


@pytest.fixture(scope="module", params=["lora", "head_only", "full"])
def saved(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished trial in `trial/` and its base model in `base/`."""
    folder = tmp_path_factory.mktemp(f"damaged_{request.param}")
    shutil.copytree(world.model, folder / "base")
    recipe = world.recipe(
        f"damaged_{request.param}",
        model={"name": f"file:{folder / 'base'}"},
        method={"name": request.param},
        train__epochs=0.2,
    )
    result = run.run(load_recipe(recipe), folder)
    result.with_suffix("").rename(folder / "trial")
    return folder


def copy_of(saved: Path, to: Path, *, digests: bool = True) -> Path:
    """Copy a trial with its base model. digests: as it is; without them, as earlier versions saved it."""
    folder = to / "copy"
    shutil.copytree(saved, folder)
    trial = json.loads((folder / TRIAL).read_text(encoding="utf8").replace(str(saved), str(folder)))
    if not digests:
        del trial["files"]
    (folder / TRIAL).write_text(json.dumps(trial), encoding="utf8")
    return folder


def verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run `pefbench verify` in this process: its status, and what it says on standard error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(folder / "trial")])
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


def check_one_line(status: int, said: str) -> None:
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == (status != 0), said
    assert "Traceback" not in said
    assert all(len(line) < 500 + len("error: ") and line.isprintable() for line in errors), said


def damage_json(content: str, draw: random.Random) -> str:
    """Change, rename or remove one value, anywhere in a JSON text."""
    value = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def collect(inner: Any) -> None:
        items = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        for key, each in items:
            places.append((inner, key))
            collect(each)

    collect(value)
    holder, key = draw.choice(places)
    if draw.random() < 0.25:
        del holder[key]
    else:
        holder[key] = draw.choice(VALUES)
    return json.dumps(value)


def damage(file: Path, draw: random.Random) -> None:
    """Damage a file: cut it, flip bits, empty it, remove it, nest it; change, add or drop a line or a value of JSON."""
    content = file.read_bytes()
    kinds = ["cut", "flip", "empty", "gone", "nested", "digits"]
    if file.suffix == ".json":
        kinds += ["value"] * 8
    if file.suffix == ".jsonl":
        kinds += ["shorter", "longer", "text", "field", "field", "field", "field"]
    kind = draw.choice(kinds)
    lines = content.splitlines(keepends=True)
    at = draw.randrange(len(lines))
    if kind == "gone":
        file.unlink()
        return
    if kind == "cut":
        content = content[: draw.randrange(len(content))]
    elif kind == "flip":
        flipped = bytearray(content)
        for _ in range(8):
            flipped[draw.randrange(min(len(content), 4096))] ^= 1 << draw.randrange(8)
        content = bytes(flipped)
    elif kind == "value":
        content = damage_json(content.decode(), draw).encode()
    elif kind == "field":
        content = b"".join([*lines[:at], damage_json(lines[at].decode(), draw).encode() + b"\n", *lines[at + 1 :]])
    else:
        content = {
            "empty": b"",
            "nested": b"[" * 100_000,
            "digits": b'{"r": ' + b"1" * 5000 + b"}",
            "shorter": b"".join([*lines[:at], *lines[at + 1 :]]),
            "longer": b"".join([*lines, lines[at]]),
            "text": b"".join([*lines[:at], b"not JSON\n", *lines[at + 1 :]]),
        }[kind]
    file.write_bytes(content)


@pytest.mark.parametrize("seed", range(20))
def test_a_trial_damaged_anywhere_ends_in_one_line(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    draw = random.Random(seed)
    folder = copy_of(saved, tmp_path, digests=draw.random() < 0.5)
    model = [file.relative_to(folder).as_posix() for file in sorted((folder / "trial" / "model").iterdir())]
    damage(folder / draw.choice([TRIAL, TRIAL, PREDICTIONS, PREDICTIONS, *model, *model, *BASE]), draw)
    check_one_line(*verify(folder, capsys))


def edited(change: Callable[[Any], None]) -> Edit:
    """Return a function that changes a JSON text's value."""

    def edit(content: bytes) -> bytes:
        value = json.loads(content)
        change(value)
        return json.dumps(value).encode()

    return edit


def first_row(change: Callable[[Any], None]) -> Edit:
    """Return a function that changes the first row of a file of predictions."""

    def edit(content: bytes) -> bytes:
        first, rest = content.split(b"\n", 1)
        return b"\n".join([edited(change)(first), rest])

    return edit


NAMED: dict[str, tuple[str, Edit, str]] = {
    "trial.json is empty": (TRIAL, lambda _: b"", "no readable trial.json"),
    "trial.json is no object": (TRIAL, lambda _: b"[]", "trial.json: damaged: should be an object"),
    "trial.json lacks a field": (TRIAL, edited(lambda trial: trial.pop("recipe")), "recipe is missing"),
    "a recipe without a name": (
        TRIAL,
        edited(lambda trial: trial["recipe"].pop("name")),
        "trial.json: damaged: recipe: name",
    ),
    "many threads": (TRIAL, edited(lambda trial: trial.update(threads=10**9)), "threads should be from 1 to"),
    "other data": (TRIAL, edited(lambda trial: trial.update(fingerprint="0")), "the data have changed"),
    "no predictions": (PREDICTIONS, lambda _: b"", r"0 predictions for \d+ test examples"),
    "a prediction less": (
        PREDICTIONS,
        lambda rows: rows[: rows[:-1].rindex(b"\n") + 1],
        r"\d+ predictions for",
    ),
    "a prediction more": (PREDICTIONS, lambda rows: rows + rows[: rows.index(b"\n") + 1], r"id should be \d+, is 0"),
    "half a prediction": (PREDICTIONS, lambda rows: rows[:-20], r"predictions.jsonl:\d+: not a prediction"),
    "not UTF-8": (PREDICTIONS, lambda _: b"\xff\xfe", "cannot be read as text"),
    "another prediction's form": (
        PREDICTIONS,
        first_row(lambda row: row.update(prediction={"label": 1})),
        "predictions.jsonl:1: damaged: the prediction is not of the form",
    ),
    "a rank beyond all": (
        "trial/model/adapter_config.json",
        edited(lambda config: config.update(r=10_000_000)),
        "adapter_config.json: damaged",
    ),
    "half an adapter": (
        "trial/model/adapter_model.safetensors",
        lambda weights: weights[: len(weights) // 2],
        "adapter_model.safetensors: damaged|the adapter cannot be loaded",
    ),
    "half a base model": ("base/model.safetensors", lambda weights: weights[: len(weights) // 2], "cannot be loaded"),
    "half a config": ("base/config.json", lambda config: config[: len(config) // 2], "not a model that transformers"),
    "half a tokenizer": (
        "trial/model/tokenizer.json",
        lambda tokenizer: tokenizer[:1000],
        "tokenizer.json: damaged|model: no tokenizer",
    ),
}


@pytest.mark.parametrize("saved", ["lora"], indirect=True)
@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("name", NAMED)
def test_what_is_damaged_is_named(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, digests: bool
) -> None:
    file, damaging, expected = NAMED[name]
    folder = copy_of(saved, tmp_path, digests=digests)
    damaged = folder / file
    damaged.write_bytes(damaging(damaged.read_bytes()))
    status, said = verify(folder, capsys)
    check_one_line(status, said)
    assert status == 2
    assert re.search(f"^error: .*({expected})", said, re.MULTILINE), said


def test_a_copy_is_whole(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(copy_of(saved, tmp_path), capsys)[0] == 0
    assert verify(copy_of(saved, tmp_path / "old", digests=False), capsys)[0] == 0
