"""A trial is loaded from any valid path, and nothing else is mistaken for one."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pefbench
from pefbench.errors import DataError, SourceError
from pefbench.inference import loading
from pefbench.trial import saved
from tests.trial.test_portable import change_tokenizer, change_weights

if TYPE_CHECKING:
    from tests.worlds import World

TEXT = "Anna saw Paris"


def test_the_result_the_folder_and_the_model_alone_are_the_same_trial(
    tagger: Path, world: World, tmp_path: Path
) -> None:
    folder = tagger.with_suffix("")
    shutil.copytree(folder / "model", tmp_path / "elsewhere")
    alone = pefbench.load(tmp_path / "elsewhere", base=str(world.model))
    models = [pefbench.load(tagger), pefbench.load(folder), pefbench.load(str(folder / "model")), alone]
    answers = [model.predict([TEXT]) for model in models]
    assert answers == [answers[0]] * 4
    assert answers[0][0]["entities"]


def test_loading_is_quiet_and_leaves_the_libraries_as_they_were(
    tagger: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    from transformers.utils import logging as theirs

    monkeypatch.setattr("transformers.utils.logging._tqdm_active", True)  # as outside pefbench
    request.addfinalizer(partial(theirs.set_verbosity, theirs.get_verbosity()))
    theirs.set_verbosity_warning()
    pefbench.load(tagger)
    assert capfd.readouterr() == ("", "")
    assert theirs.is_progress_bar_enabled()
    assert theirs.get_verbosity() == logging.WARNING
    list(theirs.tqdm(range(2), desc="a bar of theirs"))
    assert "a bar of theirs" in capfd.readouterr().err


def test_a_model_alone_asks_for_a_base_that_lay_in_a_folder(tagger: Path, tmp_path: Path) -> None:
    shutil.copytree(tagger.with_suffix("") / "model", tmp_path / "elsewhere")
    with pytest.raises(DataError, match="its base model 'model' was not found; give its folder: base= in Python"):
        pefbench.load(tmp_path / "elsewhere")


def test_a_base_that_has_moved_is_named(tagger: Path, world: World, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "moved")
    expected = pefbench.load(tagger).predict([TEXT])
    assert pefbench.load(tagger, base=str(tmp_path / "moved")).predict([TEXT]) == expected
    assert pefbench.load(tagger, base=f"file:{tmp_path / 'moved'}").predict([TEXT]) == expected


def test_another_base_is_refused(tagger: Path, world: World, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "other")
    change_weights(tmp_path / "other" / "model.safetensors")
    with pytest.raises(DataError, match="other weights than those that this trial was trained on"):
        pefbench.load(tagger, base=str(tmp_path / "other"))


def test_texts_are_read_by_the_tokenizer_that_was_saved(tagger: Path, world: World, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "base")
    change_tokenizer(tmp_path / "base" / "tokenizer.json")
    expected = pefbench.load(tagger).predict([TEXT])
    assert pefbench.load(tagger, base=str(tmp_path / "base")).predict([TEXT]) == expected
    model = shutil.copytree(tagger.with_suffix("") / "model", tmp_path / "model")
    (model / "tokenizer.json").write_text("{", encoding="utf8")
    with pytest.raises(SourceError, match=f"^{model}: no tokenizer"):
        pefbench.load(model, base=str(world.model))


@pytest.mark.parametrize("name", ["0123456789ab", "0123456789ab.json", ""])
def test_where_no_trial_is_there_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such trial; give its folder results/RECIPE/ID"):
        pefbench.load(tmp_path / name)


def test_a_folder_may_be_the_one_that_one_is_in(tagger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tagger.with_suffix(""))
    assert loading.find(Path()).resolve() == tagger.with_suffix("")
    assert loading.beside(Path()) == tagger
    monkeypatch.chdir(tmp_path)
    for given in ("", ".", "/"):
        with pytest.raises(DataError, match="no such trial"):
            pefbench.load(given)


def test_a_failed_trial_is_refused_with_its_error(tagger: Path, tmp_path: Path) -> None:
    failed = {**json.loads(tagger.read_text(encoding="utf8")), "status": "failed", "error": "loss is not finite"}
    (tmp_path / tagger.name).write_text(json.dumps(failed), encoding="utf8")
    for given in (tmp_path / tagger.name, tmp_path / tagger.stem):
        with pytest.raises(DataError, match="the trial failed, so it has no model: loss is not finite"):
            pefbench.load(given)


def test_a_result_without_its_folder_is_refused(tagger: Path, tmp_path: Path) -> None:
    shutil.copy(tagger, tmp_path)
    with pytest.raises(DataError, match="folder is not beside its result"):
        pefbench.load(tmp_path / tagger.name)


@pytest.mark.parametrize("damage", ["changed", "missing", "not JSON", "no head", "another head"])
def test_a_damaged_folder_is_refused(tagger: Path, tmp_path: Path, damage: str) -> None:
    folder = shutil.copytree(tagger.with_suffix(""), tmp_path / "trial")
    weights, about = folder / "model" / "adapter_model.safetensors", folder / "trial.json"
    known = json.loads(about.read_text(encoding="utf8"))
    if damage == "changed":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    elif damage == "missing":
        weights.unlink()
    elif damage == "not JSON":
        about.write_text("{", encoding="utf8")
    elif damage == "no head":
        about.write_text(json.dumps({name: value for name, value in known.items() if name != "head"}), encoding="utf8")
    else:
        about.write_text(json.dumps({**known, "head": {"kind": "os", "values": {}}}), encoding="utf8")
    with pytest.raises(DataError) as error:
        pefbench.load(folder)
    assert str(tmp_path) in str(error.value) or damage == "another head"


def test_a_trial_that_may_not_be_read_is_named(tagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(saved, "digest_of", refused)  # tests may run as root, who may read everything
    with pytest.raises(DataError, match=r"model/README.md: cannot be read: Permission denied$"):
        pefbench.load(tagger)


def test_others_may_read_the_weights(tagger: Path) -> None:
    model = tagger.with_suffix("") / "model"
    assert len({file.stat().st_mode for file in model.iterdir()}) == 1


def test_a_model_alone_without_its_weights_is_refused(tagger: Path, world: World, tmp_path: Path) -> None:
    model = shutil.copytree(tagger.with_suffix("") / "model", tmp_path / "model")
    (model / "adapter_model.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match="cannot be"):
        pefbench.load(model, base=str(world.model))
    (model / "adapter_model.safetensors").unlink()
    with pytest.raises(DataError):
        pefbench.load(model, base=str(world.model))
