"""Exports open without pefbench, answer like the trial, and appear complete or not at all; others are refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import transformers

import pefbench
from pefbench.cli.main import main
from pefbench.errors import DataError, ExportError, OutputError, RecipeError, UserError
from pefbench.export import merging
from pefbench.export.exporting import export
from pefbench.export.format import Options
from pefbench.export.formats.merged import Merged
from pefbench.recipe import load_recipe
from pefbench.trial import run
from tests.inference.test_kinds import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from tests.worlds import World

TEXTS = ("Anna saw Boris", "Paris near Rome")


@pytest.mark.parametrize("name", ["adapter", "merged"])
@pytest.mark.parametrize("trial", ["tagger", "classifier"])
def test_an_export_answers_as_the_trial(trial: str, name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    result = request.getfixturevalue(trial)
    done = export(result, tmp_path / "out", name, Options())
    assert "All answers agree" in done.replay
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf8")
    assert done.replay in card
    assert f"trial `{result.stem}`" in card
    again = export(result, tmp_path / "out", name, Options())
    assert again.replay == ""
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with pytest.raises(OutputError, match="already exists and is not this export"):
        export(result, tmp_path / "out", name, Options(), most=3)
    (tmp_path / "out" / "README.md").unlink()
    with pytest.raises(OutputError, match="is not this export"):
        export(result, tmp_path / "out", name, Options())


def trial_of(world: World, task: str, folder: Path, method: str = "lora") -> Path:
    """The result of a trial on this task's small rows."""
    lines = dict.fromkeys(json.dumps(row) for row in rows(task))
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    data = {"source": f"file:{folder / 'rows.jsonl'}"}
    recipe = world.recipe(task, task=task, data=data, method={"name": method}, train__epochs=1)
    return run.run(load_recipe(recipe), folder / "results")


def test_an_exported_adapter_tells_a_question_from_its_context(world: World, tmp_path: Path) -> None:
    result = trial_of(world, "question_answering", tmp_path)
    assert "All answers agree" in export(result, tmp_path / "out", "adapter", Options()).replay


def test_an_exported_prompt_opens_with_peft_and_the_card_s_code(world: World, tmp_path: Path) -> None:
    """A question and its context have token types, which PEFT's own model for questions drops."""
    result = trial_of(world, "question_answering", tmp_path, "prompt")
    assert "All answers agree" in export(result, tmp_path / "out", "adapter", Options()).replay
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf8")
    assert "read_text_only(model)" in card
    assert "import pefbench" not in card


def test_a_card_says_that_scores_are_not_clipped(world: World, tmp_path: Path) -> None:
    result = trial_of(world, "essay_scoring", tmp_path)
    done = export(result, tmp_path / "out", "merged", Options())
    assert [note for note in done.notes if note.startswith("its scores are not clipped to those of the training split")]
    assert "are not clipped" in (tmp_path / "out" / "README.md").read_text(encoding="utf8")


def test_a_pipeline_alone_gives_the_labels_and_scores(classifier: Path, tmp_path: Path) -> None:
    export(classifier, tmp_path / "out", "merged", Options(), most=5)
    pipe: Any = transformers.pipeline("text-classification", model=str(tmp_path / "out"), device="cpu")
    expected = pefbench.load(classifier).predict(TEXTS)
    for answer, found in zip(expected, pipe(list(TEXTS), top_k=None), strict=True):
        assert {one["label"]: one["score"] for one in found} == pytest.approx(answer["probabilities"], abs=1e-5)
    assert "cut: the first of" in (tmp_path / "out" / "README.md").read_text(encoding="utf8")


def test_less_precise_weights_say_what_they_lose(classifier: Path, tmp_path: Path) -> None:
    done = export(classifier, tmp_path / "out", "merged", Options(dtype="bf16"))
    assert "The export rounds: " in done.replay
    assert "accuracy " in done.replay
    assert json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf8"))["dtype"] == "bfloat16"


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_wrong_export_is_caught_and_removed(
    dtype: Any, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = merging.merged

    def wrong(original: Any, model: Any) -> Any:
        bare: Any = honest(original, model)
        bare.classifier.weight.data.mul_(0.99 if dtype == "fp32" else -1)
        return bare

    monkeypatch.setattr(merging, "merged", wrong)
    with pytest.raises(ExportError, match=r"differ from the trial's .* it was removed; the first, example \d+: "):
        export(classifier, tmp_path / "out", "merged", Options(dtype=dtype))
    assert not list(tmp_path.iterdir())


def test_labels_in_another_order_are_caught(classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Merged.write

    def corrupt(self: Merged, original: Any, model: Any, to: Path, options: Options) -> list[str]:
        notes = honest(self, original, model, to, options)
        config = json.loads((to / "config.json").read_text(encoding="utf8"))
        config["id2label"] = dict(zip(config["id2label"], reversed(config["id2label"].values()), strict=True))
        (to / "config.json").write_text(json.dumps(config), encoding="utf8")
        return notes

    monkeypatch.setattr(Merged, "write", corrupt)
    with pytest.raises(ExportError, match="the merged model's labels are place, person instead of person, place"):
        export(classifier, tmp_path / "out", "merged", Options())
    assert not list(tmp_path.iterdir())


def test_a_weight_that_no_test_example_shows_is_caught(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Merged.write

    def corrupt(self: Merged, original: Any, model: Any, to: Path, options: Options) -> list[str]:
        notes = honest(self, original, model, to, options)
        spoil(
            to / "model.safetensors", "bert.embeddings.position_embeddings.weight", lambda weight: weight[-1].add_(1e-3)
        )
        return notes

    monkeypatch.setattr(Merged, "write", corrupt)
    with pytest.raises(ExportError, match=r"bert\.embeddings\.position_embeddings\.weight of the merged model is not"):
        export(classifier, tmp_path / "out", "merged", Options())
    assert not list(tmp_path.iterdir())


def spoil(file: Path, name: str, change: Callable[[Tensor], object]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(file)
    change(weights[name])
    save_file(weights, file, metadata={"format": "pt"})


def test_what_is_broken_off_leaves_nothing(classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Merged, "answers", killed)
    with pytest.raises(KeyboardInterrupt):
        export(classifier, tmp_path / "out", "merged", Options())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("method", "name", "said"),
    [
        ("bottleneck", "merged", "does not merge: its layers are not linear"),
        ("bottleneck", "adapter", "method bottleneck: PEFT alone has no such adapter; use --as onnx"),
        ("bitfit", "adapter", "trains the model's own weights; use --as merged"),
        ("bitfit", "gguf", "is for decoders that generate"),
    ],
)
def test_what_cannot_be_exported_so_is_refused(method: str, name: str, said: str, world: World, tmp_path: Path) -> None:
    recipe = world.recipe(f"refused_{method}", method={"name": method}, train__epochs=0.1)
    result = run.run(load_recipe(recipe), world.folder / "refused")
    with pytest.raises(UserError, match=said):
        export(result, tmp_path / "out", name, Options())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--as", "pickle"], "--as: unknown format 'pickle'; valid: adapter, gguf, merged, onnx"),
        (["--as", "merged", "--quantize", "int8"], "--quantize is not an option of --as merged"),
        (["--as", "onnx", "--dtype", "bf16"], "--dtype is not an option of --as onnx"),
        (["--as", "onnx", "--replay", "0"], "should be a whole number of 1 or more"),
        (["--as", "onnx"], "no such trial"),
    ],
)
def test_bad_input_is_one_line(
    arguments: Sequence[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "nothing"), "--to", str(tmp_path / "out"), *arguments])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_place_is_tried_before_the_trial_is_read(classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for to, said in (
        (tmp_path / "file", "already exists and is not this export"),
        (tmp_path, "already exists and is not this export"),
        (tmp_path / "file" / "out", "is a file, not a folder; choose another folder"),
    ):
        with pytest.raises(OutputError, match=said):
            export(classifier.with_name("none"), to, "merged", Options())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_trial_is_needed_whole(classifier: Path, tmp_path: Path) -> None:
    model = shutil.copytree(classifier.with_suffix("") / "model", tmp_path / "model")
    with pytest.raises(DataError, match="only the model's folder"):
        export(model, tmp_path / "out", "merged", Options())
    folder = shutil.copytree(classifier.with_suffix(""), tmp_path / classifier.stem)
    with pytest.raises(DataError, match="result is not beside its folder"):
        export(folder, tmp_path / "out", "merged", Options())
    shutil.copy(classifier, tmp_path)
    (folder / "predictions.jsonl").write_text("{}\n", encoding="utf8")
    with pytest.raises(DataError, match=r"predictions.jsonl:1: not a prediction"):
        export(folder, tmp_path / "out", "merged", Options())
    with pytest.raises(RecipeError, match="unknown format"):
        export(classifier, tmp_path / "out", "none", Options())
    with pytest.raises(RecipeError, match="--max-lora-rank is for vLLM, which needs a trial that generates texts"):
        export(classifier, tmp_path / "out", "adapter", Options(max_lora_rank=8))
