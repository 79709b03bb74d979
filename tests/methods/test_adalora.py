"""AdaLoRA: its schedule, its penalty, the remaining ranks, and resuming a killed run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import PeftModel
from safetensors.torch import load_file

from pefbench.errors import MethodError
from pefbench.methods.adalora import Adalora
from pefbench.trial import trained
from tests import tiny
from tests.methods import trial

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 8


def adalora(**options: Any) -> Adalora:
    return Adalora(name="adalora", **({"interval": 2} | options))


def saved_ranks(folder: Path) -> list[int]:
    weights = load_file(folder / "adapter_model.safetensors")
    return [len(weight) for name, weight in weights.items() if "lora_E" in name]


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "t5"])
def test_a_trial(architecture: str, tmp_path: Path) -> None:
    model: Any = trial.check(adalora(), architecture, tmp_path, steps=STEPS)
    assert sum(saved_ranks(tmp_path)) == 8 * len(saved_ranks(tmp_path))
    assert len(set(saved_ranks(tmp_path))) > 1
    expected = trial.predicted(model, architecture)
    torch.testing.assert_close(
        trial.predicted(model.merge_and_unload(), architecture),
        expected,
        rtol=1e-4,
        atol=1e-5 * float(expected.abs().max()),
    )


@pytest.mark.parametrize("steps", [2, 3])
def test_a_short_trial_in_bf16(steps: int, tmp_path: Path) -> None:
    trial.check(adalora(), "bert", tmp_path, precision="bf16", steps=steps)
    assert sum(saved_ranks(tmp_path)) == 8 * len(saved_ranks(tmp_path))


def test_maps_that_have_no_rank_left(tmp_path: Path) -> None:
    trial.check(adalora(init_rank=4, target_rank=1), "bert", tmp_path, steps=STEPS)
    assert min(saved_ranks(tmp_path)) == 0


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_weights_of_a_step_between_two_allocations_are_saved_whole(kept: int, tmp_path: Path) -> None:
    """Weights of `train.keep: best` may be of step 3, in which what the allocation at step 2 took away learns again."""
    how = adalora()
    model = trial.applied(how, "bert", steps=STEPS)
    trial.train(how, model, "bert", steps=range(kept))
    expected = trial.predicted(model, "bert")
    assert torch.equal(trial.predicted(trial.reloaded(how, model, "bert", tmp_path), "bert"), expected)


@pytest.mark.filterwarnings("ignore:The following rank_pattern keys did not match")
def test_what_is_saved_is_peft_s(tmp_path: Path) -> None:
    how = adalora()
    model = trial.check(how, "bert", tmp_path, steps=STEPS)
    anywhere = PeftModel.from_pretrained(tiny.model("bert"), tmp_path).eval()
    expected = trial.predicted(model, "bert")
    torch.testing.assert_close(trial.predicted(anywhere, "bert"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_the_penalty_is_what_peft_adds_to_a_loss_of_its_own(weight: float) -> None:
    how = adalora(orthogonal_penalty=weight)
    model: Any = trial.applied(how, "bert")
    batch = tiny.batch("bert")
    with_penalty, without = model(**batch).loss, model.get_base_model()(**batch).loss
    penalty = how.penalty(model)
    if penalty is None:
        assert weight == 0
        assert with_penalty == without
    else:
        torch.testing.assert_close(with_penalty - without, penalty, rtol=1e-5, atol=1e-6)
        gradients = torch.autograd.grad(with_penalty - without, weights(model), allow_unused=True)
        ours = torch.autograd.grad(penalty, weights(model))
        for expected, found in zip(gradients, ours, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def weights(model: Any) -> list[Any]:
    return [weight for name, weight in model.named_parameters() if ".lora_A." in name or ".lora_B." in name]


@given(
    steps=st.integers(2, 10_000),
    fractions=st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda pair: sum(pair) < 1),
)
def test_the_schedule_leaves_time_to_see_and_to_choose(steps: int, fractions: tuple[float, float]) -> None:
    initial, final = fractions
    before, after = adalora(initial=initial, final=final).schedule(steps)
    assert 0 <= before < steps - after
    assert after <= steps - 2
    assert before <= round(initial * steps)
    assert after <= round(final * steps)


def test_one_step_is_too_few() -> None:
    with pytest.raises(MethodError, match="method adalora: needs at least 2 steps to learn which ranks matter"):
        trial.applied(adalora(), "bert", steps=1)


@pytest.mark.parametrize("killed", [1, 4, 7])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(killed: int) -> None:
    how = adalora()
    whole = trial.applied(how, "bert", steps=STEPS)
    trial.train(how, whole, "bert", steps=range(STEPS))

    first = trial.applied(how, "bert", steps=STEPS)
    optimizer = trial.make_optimizer(how, first)
    trial.train(how, first, "bert", steps=range(killed), optimizer=optimizer)
    stream = io.BytesIO()
    torch.save([trained.state(first), optimizer.state_dict(), how.state(first)], stream)
    stream.seek(0)
    weights, moments, state = torch.load(stream, weights_only=True)

    second = trial.applied(how, "bert", steps=STEPS)
    optimizer = trial.make_optimizer(how, second)
    trained.restore(second, weights)
    optimizer.load_state_dict(moments)
    how.restore(second, state)
    trial.train(how, second, "bert", steps=range(killed, STEPS), optimizer=optimizer)
    expected, found = dict(whole.named_parameters()), dict(second.named_parameters())
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert ranks(whole) == ranks(second)


def test_gradients_that_are_not_finite_leave_no_trace_in_the_memory() -> None:
    how = adalora()
    model: Any = trial.applied(how, "bert", steps=STEPS)
    for name, weight in model.named_parameters():
        if "lora_E" in name:
            torch.nn.init.normal_(weight)  # at zero, as it starts, nothing has a gradient
    trial.task_loss(model, "bert").backward()
    for value, weight in zip([float("nan"), float("inf")], weights(model), strict=False):
        weight.grad.fill_(value)
    how.after_step(model, 1)
    memory = how.state(model)["exp_avg_unc"].values()
    assert all(torch.isfinite(uncertainty).all() for uncertainty in memory)
    assert any(uncertainty.any() for uncertainty in memory)


def ranks(model: Any) -> dict[str, list[bool]]:
    return cast("dict[str, list[bool]]", model.peft_config["default"].rank_pattern)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"init_rank": 8}, "method.init_rank: 8 leaves nothing to prune; it must be above target_rank, 8"),
        ({"initial": 0.5, "final": 0.5}, "method.initial: 0.5 and method.final: 0.5 leave no steps in between"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        adalora(**options)
