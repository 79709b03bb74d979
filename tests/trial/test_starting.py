"""Trials that start from a trained adapter: they compute the same as it at first, and record it."""

from __future__ import annotations

import json
import re
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pefbench.errors import MethodError, RecipeError, SourceError, UserError
from pefbench.heads.sequence import SequenceHead
from pefbench.models import loading, stacked
from pefbench.recipe import load_recipe
from pefbench.registry import find, names
from pefbench.results.store import read_result
from pefbench.sections import ModelSection
from pefbench.trial import adapter_weights, adapters, artifacts, build, run, starting
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from pefbench.trial.round_trip import verify
from pefbench.trial.saved import ABOUT
from tests.grid import OPTIONS
from tests.models.test_checkpoint import bert, logits, named
from tests.sources.refusals import refusal
from tests.tokenizers import words
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from pefbench.results.schema import Result
    from pefbench.trial.adapters import Adapter
    from pefbench.trial.prepare import Prepared

ENCODED = SimpleNamespace(features={"input_ids": [np.arange(4, 60)]})
NAMES = ["bad", "fair", "good"]
KEPT = "the adapter's own head is trained further: its type and labels match"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("starting"))


def trained(own: World, method: str, **changes: Any) -> Path:
    """The folder of a short trial."""
    recipe = own.recipe(f"first_{method}", method={"name": method}, train__epochs=0.3, **changes)
    return run.run(load_recipe(recipe), own.folder / "results").with_suffix("")


@pytest.fixture(scope="module")
def first(own: World) -> Path:
    """The folder of a finished LoRA trial."""
    return trained(own, "lora")


def prepared(own: World, *overrides: str, method: str = "lora") -> Prepared:
    recipe = own.recipe(f"prepared_{method}", method={"name": method}, train__epochs=0.3)
    return prepare(load_recipe(recipe, overrides), Phases())


def reproduced(result: Result) -> bool:
    return bool(result["round_trip"] and result["round_trip"]["reproduced"])


def outputs(model: nn.Module) -> Tensor:
    ids = torch.arange(4, 12)[None]
    with torch.no_grad():
        found: Tensor = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return found


def test_a_trial_goes_on_from_a_trial_and_says_so(own: World, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = own.recipe("second", model={"name": f"file:{first}"}, train__epochs=0.3)
    result = run.run(load_recipe(recipe), own.folder / "results")
    found = read_result(result)
    [stated] = found["model"]["adapters"]
    assert (stated["source"], stated["type"], stated["mode"], stated["head"]) == (
        f"file:{first}",
        "LORA",
        "merge",
        "kept",
    )
    assert len(stated["fingerprint"]) == 64
    assert found["model"]["fingerprint"] != read_result(first.with_suffix(".json"))["model"]["fingerprint"]
    assert f"with file:{first} (merged)" in capsys.readouterr().err
    assert any("the adapter's own head is trained further" in note for note in found["notes"])
    assert reproduced(found)
    assert verify(result.with_suffix(""))["differ"] == 0
    copied = shutil.copytree(result.with_suffix("") / "model", own.folder / "copied")
    with pytest.raises(SourceError, match=f"of the base '{first.name}', which is not here; give model.name the base"):
        starting.resolve(ModelSection(name=f"file:{copied}"))
    about = copied / ABOUT  # where it is named, it is found
    named_here = about.read_text(encoding="utf8").replace(f'"file:{first.name}"', f'"file:{first}"')
    about.write_text(named_here, encoding="utf8")
    alone = starting.resolve(ModelSection(name=f"file:{own.folder / 'copied'}"))
    assert [adapter.folder for adapter in alone.adapters] == [first / "model", own.folder / "copied"]
    # Its own folder is a model again: the base with both adapters, in the order of training.
    start = starting.resolve(load_recipe(recipe, [f"model.name=file:{result.with_suffix('') / 'model'}"]).model)
    assert start.base == own.model
    assert [adapter.folder for adapter in start.adapters] == [first / "model", result.with_suffix("") / "model"]


@pytest.mark.sample(3)
@pytest.mark.parametrize("method", ["lora", "bitfit", "ia3", "adalora", "full", "boft"])
def test_it_begins_with_what_was_trained(own: World, method: str) -> None:
    folder = trained(own, method)
    before = build.saved(prepared(own, method=method), folder / "model")
    for place in (folder, folder / "model"):
        after = build.pretrained(prepared(own, f"model.name=file:{place}"))
        assert not hasattr(after, "peft_config")
        assert all(weight.requires_grad for weight in after.parameters())
        assert not any("lora" in name for name, _ in after.named_modules())
        torch.testing.assert_close(outputs(after), outputs(before), atol=1e-5, rtol=0)


def test_an_adapter_beside_its_base_is_named_by_the_recipe(own: World, first: Path) -> None:
    before = build.saved(prepared(own), first / "model")
    merged = prepared(own, f"model.adapter=file:{first / 'model'}")
    kept = prepared(own, f"model.adapter=file:{first}", "model.adapter_mode=stack")
    assert merged.recipe.resolved()["model"]["adapter"] == f"file:{first / 'model'}"
    for each in (merged, kept):
        torch.testing.assert_close(outputs(build.pretrained(each)), outputs(before), atol=1e-5, rtol=0)
    assert len(stacked.layers(build.pretrained(kept))) == 12
    assert not stacked.layers(build.pretrained(merged))


def test_a_recipe_without_an_adapter_has_the_id_that_it_had(own: World) -> None:
    assert "adapter" not in json.dumps(load_recipe(own.recipe()).resolved()["model"])


def test_a_stacked_adapter_is_there_after_the_round_trip(own: World, first: Path) -> None:
    recipe = own.recipe("stacked", model={"name": f"file:{first}", "adapter_mode": "stack"}, train__epochs=0.3)
    found = read_result(run.run(load_recipe(recipe), own.folder / "results"))
    assert found["model"]["adapters"][0]["mode"] == "stack"
    assert reproduced(found)


# Units: a tiny BERT, and a LoRA on it with a head of its own.


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a base in `base/` and a trained LoRA in `adapter/`, its labels beside it."""
    head = SequenceHead(NAMES)
    base: Any = loading.load_pretrained(bert(tmp_path / "base"), named(NAMES), head, attention="eager")
    wrapped: Any = find("method", "lora")(name="lora").apply(base, head.task_type)
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in wrapped.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.2)
    wrapped.save_pretrained(tmp_path / "adapter")
    named(NAMES).save_pretrained(tmp_path / "adapter")
    (tmp_path / "adapter" / "README.md").unlink(missing_ok=True)
    return tmp_path


def settled(place: Path, labels: Sequence[str] = NAMES, mode: adapters.Mode | None = None) -> tuple[Adapter, ...]:
    head, config = SequenceHead(labels), named([*labels])
    found = loading.examine(place / "base", config, head, "the base")
    read = adapters.read(place / "adapter", "the adapter", mode, None)
    return adapters.settle([read], found, config, head, chosen=mode, quantised=False)


def started(place: Path, labels: Sequence[str] = NAMES, mode: adapters.Mode | None = None, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    model = loading.load_pretrained(place / "base", named([*labels]), SequenceHead(labels), attention="eager")
    return adapter_weights.put_on(model, settled(place, labels, mode)).eval()


def said(place: Path, labels: Sequence[str] = NAMES) -> list[str]:
    """What a result says of the heads."""
    found = loading.examine(place / "base", named([*labels]), SequenceHead(labels), "the base")
    return adapters.head_notes(found, settled(place, labels))


def as_peft_has_it(place: Path) -> Tensor:
    head = SequenceHead(NAMES)
    model = artifacts.load_saved(place / "adapter", place / "base", named(NAMES), head, attention="eager")
    return logits(model.eval())


@pytest.mark.parametrize("mode", ["merge", "stack"])
def test_the_head_of_an_adapter_is_kept_label_by_label(place: Path, mode: adapters.Mode) -> None:
    expected = as_peft_has_it(place)
    torch.testing.assert_close(logits(started(place, mode=mode)), expected, atol=1e-5, rtol=0)
    [turned] = settled(place, NAMES[::-1])
    assert (turned.head, turned.label_order) == ("kept", (2, 1, 0))
    found = logits(started(place, NAMES[::-1], mode))
    torch.testing.assert_close(found, expected.flip(-1), atol=1e-5, rtol=0)


def test_a_head_of_other_labels_is_drawn_anew(place: Path) -> None:
    [other] = settled(place, ["bad", "good"])
    assert other.head == "fresh"
    assert said(place, ["bad", "good"]) == [
        "the adapter's own head is not used: its labels are bad, fair, good; a new one is trained"
    ]
    drawn = [logits(started(place, ["bad", "good"], seed=seed)) for seed in (0, 1, 0)]
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    (place / "adapter" / "config.json").unlink()
    [unnamed] = settled(place)
    assert unnamed.head == "fresh"
    assert said(place)[0].startswith("the adapter's own head is not used: nothing in its folder says which labels")


def test_a_head_of_another_kind_is_drawn_anew(place: Path) -> None:
    file = place / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"task_type": "TOKEN_CLS"}))
    [other] = settled(place)
    assert other.head == "fresh"
    assert "it is for another task type (TOKEN_CLS)" in said(place)[0]


@pytest.mark.parametrize(
    ("trained", "base", "labels", "expected"),
    [
        (
            "adapter",
            NAMES,
            NAMES,
            ["the checkpoint's own head is not used: that of the adapter matches as well and is newer", KEPT],
        ),
        (
            "adapter",
            ["no", "yes"],
            NAMES,
            ["the checkpoint's own head is not used: its labels are no, yes; that of the adapter is trained", KEPT],
        ),
        (
            "checkpoint",
            ["no", "yes"],
            ["no", "yes"],
            [
                "the checkpoint's own head is trained further: its type and labels match",
                "the adapter's own head is not used: its labels are bad, fair, good; that of the checkpoint is trained",
            ],
        ),
        (
            "fresh",
            ["no", "yes"],
            ["black", "white"],
            [
                "the checkpoint's own head is not used: its labels are no, yes; a new one is trained",
                "the adapter's own head is not used: its labels are bad, fair, good; a new one is trained",
            ],
        ),
    ],
)
def test_what_is_said_of_two_heads_is_what_is_trained(
    place: Path, trained: str, base: list[str], labels: list[str], expected: list[str]
) -> None:
    bert(place / "base", base)
    assert said(place, labels) == expected
    bias = started(place, labels).classifier.bias
    biases = {
        "adapter": load_file(place / "adapter" / "adapter_model.safetensors")["base_model.model.classifier.bias"],
        "checkpoint": load_file(place / "base" / "model.safetensors")["classifier.bias"],
        "fresh": torch.zeros(len(labels)),
    }
    assert [name for name, each in biases.items() if torch.equal(each, bias)] == [trained]


@pytest.mark.sample(6)
@pytest.mark.parametrize("method", names("method"))
def test_each_method_on_a_stacked_adapter_works_or_is_refused(place: Path, method: str) -> None:
    how = find("method", method)(name=method, **OPTIONS.get(method, {}))
    found: dict[str, Any] = {}
    for mode in ("stack", "bare"):
        model = started(place, mode="stack")
        for layer in stacked.layers(model):
            cast("Any", layer).stacked_b.mul_(mode == "stack")
        torch.manual_seed(7)
        model = how.apply(model, SequenceHead(NAMES).task_type)
        how.on_train_begin(model, words("bert"), cast("Any", ENCODED), 10)
        how.on_model_ready(model)
        try:
            build.check_stacked(how, model)
        except MethodError as error:
            found["refused"] = str(error)
            break
        found[mode] = logits(model.eval())
        assert not any(weight.requires_grad for layer in stacked.layers(model) for weight in layer.buffers())
    if method == "full":
        assert "set model.adapter_mode to merge" in found["refused"]
        return
    assert (found["stack"] - found["bare"]).abs().max() > 1e-3
    artifacts.save(model, place / "saved", how)
    torch.manual_seed(8)
    head = SequenceHead(NAMES)
    again = artifacts.load_saved(
        place / "saved", place / "base", named(NAMES), head, attention="eager", before=settled(place, mode="stack")
    )
    how.on_model_ready(again)
    torch.testing.assert_close(logits(again.eval()), found["stack"], atol=1e-5, rtol=0)


def test_a_method_that_reads_weights_past_the_stacked_adapter_is_refused(place: Path) -> None:
    model = started(place, mode="stack")
    with pytest.raises(MethodError, match=r"method x reads the weights of 12 of 12 layers directly"):
        stacked.check_called(model, "method x", lambda: None)


def test_dora_whose_norms_would_lack_the_stacked_adapter_is_refused(place: Path) -> None:
    how = find("method", "lora")(name="lora", dora=True)
    model = how.apply(started(place, mode="stack"), SequenceHead(NAMES).task_type)
    with pytest.raises(MethodError, match=r"method lora reads the weights of 12 of 12 layers directly"):
        build.check_stacked(how, model)


@pytest.mark.parametrize(
    ("rename", "resize", "expected"),
    [
        ("moved", False, "the adapter's 24 weights do not fit the base: 24 are not in the model"),
        ("", True, "24 have other sizes (base_model.model.bert.encoder.layer.0.attention.output.dense.lora_A.weight"),
        ("lost", False, "the adapter's 23 weights do not fit the base: 1 are missing"),
    ],
)
def test_weights_that_do_not_fit_are_counted(place: Path, rename: str, resize: bool, expected: str) -> None:
    file = place / "adapter" / "adapter_model.safetensors"
    weights = load_file(file)
    if rename == "lost":
        del weights[next(key for key in sorted(weights) if "lora_A" in key)]
    elif rename:
        weights = {key.replace("bert.", "bert.inner."): weight for key, weight in weights.items()}
    if resize:
        weights = {key: weight.repeat(2, 2) if "lora" in key else weight for key, weight in weights.items()}
    save_file(weights, file, metadata={"format": "pt"})
    message = refusal(SourceError, started, place)
    assert expected in message
    assert len(message) < 500


def test_an_adapter_that_diverged_is_refused_before_training(place: Path) -> None:
    file = place / "adapter" / "adapter_model.safetensors"
    weights = load_file(file)
    key = sorted(weights)[1]
    weights[key].view(-1)[0] = float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    assert refusal(SourceError, settled, place) == (
        f"the adapter: {key} has numbers that are NaN or infinite; the file is damaged"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "can be neither merged nor stacked"),
        ({"base_model_name_or_path": "/no/where"}, "an adapter of /no/where, which is not there; give model.name the"),
        ({"base_model_name_or_path": None}, "names no base; give model.name the base and model.adapter the folder"),
        ({"target_modules": ["nothing"]}, "the adapter cannot be put on BertForSequenceClassification: "),
        ({"auto_mapping": {"parent_library": "evil"}}, "code from a source is never run"),
    ],
)
def test_what_cannot_be_started_from_is_said_in_one_line(place: Path, fields: dict[str, Any], expected: str) -> None:
    file = place / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    (place / "adapter" / "config.json").unlink()
    with pytest.raises(UserError, match=re.escape(expected)):
        _both(place)


def _both(place: Path) -> None:
    starting.resolve(ModelSection(name=f"file:{place / 'adapter'}"))
    started(place)


def test_an_adapter_that_names_itself_is_a_circle(place: Path) -> None:
    file = place / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"base_model_name_or_path": str(place / "adapter")}))
    (place / "adapter" / "config.json").unlink()
    said = refusal(SourceError, starting.resolve, ModelSection(name=f"file:{place / 'adapter'}"))
    assert "does one name itself" in said


def test_modes_that_an_adapter_cannot_have_are_refused(place: Path) -> None:
    base = f"file:{place / 'base'}"
    section = ModelSection(name=base, adapter=f"file:{place / 'base'}")
    assert "holds no adapter (adapter_config.json); a whole model belongs" in refusal(
        SourceError, starting.resolve, section
    )
    alone = ModelSection(name=base, adapter_mode="merge")
    assert "without an adapter: set model.adapter" in refusal(RecipeError, starting.resolve, alone)
    file = place / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"peft_type": "IA3"}))
    both = ModelSection(name=base, adapter=f"file:{place / 'adapter'}", adapter_mode="stack")
    assert "stack works with LoRA only" in refusal(RecipeError, starting.resolve, both)


def test_pickled_adapters_are_refused_until_they_are_converted(place: Path) -> None:
    from pefbench.models.pickled import convert

    folder = place / "adapter"
    expected = as_peft_has_it(place)
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    torch.save({"lr": 1}, folder / "training_args.bin")
    (folder / "adapter_model.safetensors").unlink()
    section = ModelSection(name=f"file:{place / 'base'}", adapter=f"file:{folder}")
    assert "pefbench convert FOLDER" in refusal(SourceError, starting.resolve, section)
    assert convert(folder) == folder / "adapter_model.safetensors"
    torch.testing.assert_close(logits(started(place)), expected, atol=1e-5, rtol=0)
