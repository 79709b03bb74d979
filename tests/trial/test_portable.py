"""Saved models can be moved: the files beside them suffice to load them, by the card's code and by pefbench."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import torch

import pefbench
from pefbench.errors import DataError, RoundTripError
from pefbench.heads.settled import without_examples
from pefbench.recipe import load_recipe, load_resolved
from pefbench.trial import build, run
from pefbench.trial.cache import Shared
from pefbench.trial.portable import check_base
from pefbench.trial.prepare import ready
from pefbench.trial.round_trip import verify
from pefbench.trial.saved import ABOUT, base_name, read_trial

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.trial.prepare import Ready
    from tests.worlds import World

METHODS = ("lora", "prefix", "prompt", "bottleneck", "mam", "bitfit", "full", "boft")
NOT_ALONE = {
    "bottleneck": "has no such adapter",
    "mam": "has no such adapter",
    "boft": "opens several butterfly factors only where it can compile",
}
WORDS = ["Anna", "saw", "Paris"]


@pytest.fixture(scope="module", params=METHODS)
def moved(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder of a finished trial in `model/`, alone, moved; and its base in `base/`."""
    folder = tmp_path_factory.mktemp(f"portable_{request.param}")
    recipe = world.recipe(f"portable_{request.param}", method={"name": request.param}, train__epochs=0.2)
    result = run.run(load_recipe(recipe), folder / "here")
    shutil.move(result.with_suffix("") / "model", folder / "model")
    shutil.copytree(world.model, folder / "base")
    shutil.rmtree(folder / "here")
    return folder


def made_ready(folder: Path, base: Path) -> tuple[Ready, Any]:
    trial = read_trial(folder)
    recipe = load_resolved({**trial["recipe"], "model": {**trial["recipe"]["model"], "name": f"file:{base}"}})
    found = ready(recipe, without_examples(**trial["head"]), Shared(keeps=False))
    return found, trial


def logits(model: Any, tokenizer: Any) -> Any:
    with torch.no_grad():
        return model(**tokenizer(WORDS, is_split_into_words=True, return_tensors="pt")).logits


def change_weights(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(file)
    next(iter(weights.values())).add_(0.001)
    save_file(weights, file, metadata={"format": "pt"})


def change_tokenizer(file: Path) -> None:
    """Give two words each other's number."""
    tokenizer = json.loads(file.read_text(encoding="utf8"))
    words = tokenizer["model"]["vocab"]
    words["Anna"], words["Paris"[:3]] = words["Paris"[:3]], words["Anna"]
    file.write_text(json.dumps(tokenizer), encoding="utf8")


def test_the_cards_own_code_loads_the_same_model(moved: Path) -> None:
    found, _ = made_ready(moved / "model", moved / "base")
    expected = logits(build.saved(found, moved / "model").eval(), found.tokenizer)
    card = (moved / "model" / "README.md").read_text(encoding="utf8")
    _, code = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    why = NOT_ALONE.get(found.recipe.method.name)
    assert f"import pefbench  # PEFT alone {why}" in code if why else "pefbench" not in code
    here = code.replace('folder = "."', f'folder = "{moved / "model"}"')
    here = re.sub(r'^base = ".*?"', f'base = "{moved / "base"}"', here, flags=re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(here, "card", "exec"), names)
    torch.testing.assert_close(logits(names["model"], names["tokenizer"]), expected, rtol=1e-5, atol=1e-6)
    piped = names["pipe"](" ".join(WORDS), ignore_labels=[])  # each token of the text, without those around it
    best = expected[0, 1:-1].softmax(-1).max(-1)
    labels = [found.head.config()["id2label"][at] for at in best.indices.tolist()]
    assert [each["entity"] for each in piped] == labels
    assert [float(each["score"]) for each in piped] == pytest.approx(best.values.tolist(), abs=1e-5)
    assert expected.abs().max() > 0


def test_the_card_asks_the_model(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = (moved / "model" / "README.md").read_text(encoding="utf8")
    code, _ = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    base = moved / "base"
    asked = code.replace("A text.", "Anna saw Paris").replace('load(".")', f'load(".", base="{base}")')
    monkeypatch.chdir(moved / "model")
    exec(compile(asked, "card", "exec"), {})
    printed = capsys.readouterr().out.splitlines()[-1]
    assert printed == str(pefbench.load(moved / "model", base=str(moved / "base")).predict(["Anna saw Paris"]))


def test_nothing_in_the_folder_names_the_machine(moved: Path, world: World) -> None:
    for file in (moved / "model").iterdir():
        assert str(world.folder).encode() not in file.read_bytes(), file
    stated = json.loads((moved / "model" / ABOUT).read_text(encoding="utf8"))
    assert stated["base"]["source"] == stated["recipe"]["model"]["name"] == f"file:{world.model.name}"
    assert stated["recipe"]["data"]["source"] == "file:corpus.conll"
    card = (moved / "model" / "README.md").read_text(encoding="utf8")
    assert f"on `file:{world.model.name}` with pefbench" in card
    assert "`file:corpus.conll`, fingerprint" in card


def test_the_card_says_what_the_result_says(moved: Path) -> None:
    card = (moved / "model" / "README.md").read_text(encoding="utf8")
    assert re.search(r"^\| this model \| entity_f1 \| 0\.\d{3} \| 0\.\d{3} to 0\.\d{3} \| \d+ \|$", card, re.MULTILINE)
    assert "| baseline word_tags | entity_f1 |" in card
    assert "Labels: `O`, `B-LOC`" in card
    for heading in ("How good it is", "What it was trained on", "What it costs", "Load it", "Limits"):
        assert f"## {heading}\n" in card
    assert "More Information Needed" not in card


def test_a_base_with_other_weights_is_refused(moved: Path, tmp_path: Path) -> None:
    shutil.copytree(moved / "base", tmp_path / "base")
    change_weights(tmp_path / "base" / "model.safetensors")
    found, trial = made_ready(moved / "model", tmp_path / "base")
    if found.recipe.method.name == "full":
        check_base(found, trial, Shared())  # whole in itself
        return
    with pytest.raises(DataError, match="other weights than those that this trial was trained on"):
        check_base(found, trial, Shared())


@pytest.mark.parametrize("moved", ["full"], indirect=True)
def test_a_whole_model_needs_no_base(moved: Path, tmp_path: Path) -> None:
    before = pefbench.load(moved / "model", base=str(moved / "base"))
    alone = pefbench.load(shutil.copytree(moved / "model", tmp_path / "elsewhere"))
    assert torch.equal(logits(alone._model, alone.tokenizer), logits(before._model, before.tokenizer))


def test_a_trial_is_verified_on_the_base_that_it_was_trained_on(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "base")
    recipe = world.recipe("replaced", model={"name": f"file:{tmp_path / 'base'}"}, train__epochs=0.2)
    folder = run.run(load_recipe(recipe), tmp_path).with_suffix("")
    assert verify(folder)["differ"] == 0
    change_weights(tmp_path / "base" / "model.safetensors")
    with pytest.raises(DataError, match="other weights than those that this trial was trained on"):
        verify(folder)


def test_a_trial_is_verified_with_the_tokenizer_that_it_saved(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "base")
    recipe = world.recipe("renumbered", model={"name": f"file:{tmp_path / 'base'}"}, train__epochs=2)
    folder = run.run(load_recipe(recipe), tmp_path).with_suffix("")
    change_tokenizer(tmp_path / "base" / "tokenizer.json")
    assert verify(folder)["differ"] == 0
    change_tokenizer(folder / "model" / "tokenizer.json")
    known = json.loads((folder / "trial.json").read_text(encoding="utf8"))
    (folder / "trial.json").write_text(json.dumps({**known, "files": {}}), encoding="utf8")
    with pytest.raises(RoundTripError, match=r"after reloading, .* test predictions differ"):
        verify(folder)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("hf:google-bert/bert-base-cased", "google-bert/bert-base-cased"),
        ("file:/home/me/models/tiny", "tiny"),
        ("wheel:some-model==1.0!some_model/model", "wheel:some-model==1.0!some_model/model"),
        ("warm-started:file:/home/me/tiny", "warm-started:tiny"),
    ],
)
def test_a_base_is_named_without_the_machines_folders(source: str, name: str) -> None:
    assert base_name(source) == name
