"""How dropout is drawn, its part in a trial's id, and draws by example that do not depend on the batch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
import transformers
from transformers import CONFIG_MAPPING, EncoderDecoderConfig

from pefbench.models import loading
from pefbench.models.cpu_kernels import fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout
from pefbench.recipe import load_recipe
from pefbench.results.store import trial_id
from pefbench.trial import build
from pefbench.trial.dropout import BY_EXAMPLE, how_drawn, leaves_modules_out
from pefbench.trial.folder import result_path
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedConfig, PreTrainedModel

    from pefbench.recipe import Recipe
    from pefbench.trial.dropout import Drawn
    from tests.worlds import World

KIN = {
    "camembert": "roberta",
    "deberta": "deberta-v2",
    "mbart": "bart",
    "mt5": "t5",
    "pegasus": "bart",
    "xlm-roberta": "roberta",
}
"""Types that tests.tiny does not have, and whose tiny configuration has the fields of another's."""
LENGTHS = (11, 7, 9, 4)


def recipe(world: World, *, rate: float | None = None, **method: Any) -> Recipe:
    """Return a recipe with this dropout of the model, and this method."""
    model = {"name": f"file:{world.model}", "dropout": rate}
    return load_recipe(world.recipe("drawn", model=model, method={"name": "lora"} | method))


def drawn(recipe: Recipe, config: PreTrainedConfig | None = None) -> Drawn:
    config = config or tiny.config("bert")
    rate = recipe.model.dropout
    return how_drawn(recipe, config if rate is None else loading.set_dropout(config, rate))


def silent() -> PreTrainedConfig:
    return tiny.config("bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def test_how_a_model_draws(world: World) -> None:
    plain = recipe(world)
    assert drawn(plain) == "by example and step"
    assert drawn(plain, silent()) == "not at all"
    assert drawn(recipe(world, rate=0.0)) == "not at all"
    assert drawn(recipe(world, rate=0.2), silent()) == "by example and step"
    assert drawn(plain, tiny.config("bart")) == "by example and step"
    assert drawn(plain, tiny.config("bart", encoder_layerdrop=0.1)) == "by process", "whole layers are left out"
    assert drawn(plain, CONFIG_MAPPING["xlnet"]()) == "by process", "its hidden states have the positions first"


def test_on_a_gpu_each_process_draws(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert drawn(recipe(world)) == "by process"
    assert drawn(recipe(world), silent()) == "not at all"


@pytest.mark.parametrize(
    ("method", "option", "expected"),
    [
        ("lora", "dropout", "by example and step"),
        ("vera", "dropout", "by example and step"),
        ("bottleneck", "dropout", "by example and step"),
        ("boft", "dropout", "by process"),
        ("loha", "module_dropout", "by process"),
        ("lokr", "module_dropout", "by process"),
    ],
)
def test_how_a_method_draws(world: World, method: str, option: str, expected: str) -> None:
    assert drawn(recipe(world, name=method)) == "by example and step", "the model's dropout alone"
    assert drawn(recipe(world, name=method, **{option: 0.1})) == expected
    assert drawn(recipe(world, name=method, **{option: 0.1}), silent()) == expected


def test_options_of_peft_are_seen(world: World) -> None:
    dropping = recipe(world, name="peft", type="LORA", options={"lora_dropout": 0.1})
    assert drawn(dropping, silent()) == "by process"
    assert drawn(recipe(world, name="peft", type="MISS"), silent()) == "not at all"


def test_what_an_id_says(world: World, tmp_path: Path) -> None:
    content = recipe(world)

    def identity(drawn: Drawn, processes: int) -> str:
        return result_path(content, "data", tmp_path, dropout=drawn, processes=processes).stem

    before = trial_id(content.resolved(), "data")
    assert {identity("not at all", 1), identity("not at all", 2), identity("by process", 1)} == {before}
    by_example = {identity("by example and step", processes) for processes in (1, 2, 3)}
    by_process = {identity("by process", processes) for processes in (1, 2, 3)}
    assert len(by_example) == 1
    assert len(by_process) == 3
    assert not by_example & by_process


def model_of(kind: str, rate: float, attention_rate: float) -> PreTrainedModel:
    """A tiny model of this type, as a trial would make it, in training."""
    config = config_of(kind)
    for part in loading.stacks(config):
        rates = [key for key, value in part.to_dict().items() if "drop" in key and isinstance(value, float)]
        for name in rates:
            setattr(part, name, 0.0 if "layerdrop" in name else attention_rate if "att" in name else rate)
    named = ("AutoModelForTokenClassification", "AutoModelForCausalLM", "AutoModelForSeq2SeqLM")
    auto = next(name for name in named if type(config) in getattr(transformers, name)._model_mapping)
    head = SimpleNamespace(auto_class=auto)
    torch.manual_seed(0)
    made = getattr(transformers, auto).from_config(
        config, attn_implementation=build.attention_of(config, cast("Any", head), "fp32")
    )
    return cast("PreTrainedModel", made.train())


def config_of(kind: str) -> PreTrainedConfig:
    if kind == "encoder-decoder":
        both = EncoderDecoderConfig.from_encoder_decoder_configs(tiny.config("bert"), tiny.config("bert"))
        both.decoder_start_token_id, both.pad_token_id = tiny.START, tiny.PAD
        return both
    if kind in KIN:
        fields = tiny.config(KIN[kind]).to_diff_dict()
        return CONFIG_MAPPING[kind](**{key: value for key, value in fields.items() if key != "model_type"})
    return next(config for config in map(tiny.config, tiny.GRID) if config.model_type == kind)


@pytest.mark.sample(20)
@pytest.mark.parametrize(("rate", "attention_rate"), [(0.2, 0.2), (0.2, 0.0)], ids=["all", "no attention"])
@pytest.mark.parametrize("kind", sorted(BY_EXAMPLE))
def test_a_row_computes_alike_in_any_batch(kind: str, rate: float, attention_rate: float) -> None:
    model = model_of(kind, rate, attention_rate)
    draw = torch.Generator().manual_seed(0)
    texts = [torch.randint(4, tiny.VOCABULARY, (length,), generator=draw) for length in LENGTHS]
    dropout = KeyedDropout(3)

    def compute(rows: list[int], step: int = 5) -> list[torch.Tensor]:
        """The logits of each row, without its padding."""
        ids = torch.nn.utils.rnn.pad_sequence([texts[row] for row in rows], batch_first=True, padding_value=tiny.PAD)
        batch = {"input_ids": ids, "attention_mask": (ids != tiny.PAD).long()}
        batch |= {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
        dropout.start(step, rows)
        with fast_on_cpu(dropout), torch.no_grad():
            logits = model(**batch).logits
        return [each[: LENGTHS[row]] for row, each in zip(rows, logits, strict=True)]

    whole = compute([0, 1, 2, 3])
    for rows in ([0], [1], [3], [2, 1]):
        for row, alone in zip(rows, compute(rows), strict=True):
            torch.testing.assert_close(alone, whole[row], rtol=1e-4, atol=1e-4)
    other = compute([0, 1, 2, 3], step=6)
    assert torch.equal(whole[0], other[0]) == (dropout.calls == 0)
    assert dropout.calls or not attention_rate


def test_which_trials_leave_modules_out(world: World) -> None:
    bert = tiny.config("bert")
    assert not leaves_modules_out(recipe(world), bert)
    assert not leaves_modules_out(recipe(world, name="lokr"), bert)
    assert leaves_modules_out(recipe(world, name="lokr", module_dropout=0.1), bert)
    options = {"module_dropout": 0.1}
    assert leaves_modules_out(recipe(world, name="peft", type="LOHA", options=options), bert)
    assert leaves_modules_out(recipe(world), tiny.config("bart", encoder_layerdrop=0.1))
