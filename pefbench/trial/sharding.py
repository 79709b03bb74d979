"""Weights sharded over the processes, if `accelerate launch` requests it: by FSDP2, or by DeepSpeed's ZeRO-3.

Between its steps each process holds a part of every weight. Saved models and checkpoints contain whole weights, so that
any number of processes can read them. All processes gather a layer together when the model computes it, so all must
call the model equally often.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pefbench.errors import MethodError, RecipeError
from pefbench.trial import fsdp2, zero3

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch
    from accelerate import Accelerator
    from torch import Tensor, nn

    from pefbench.recipe import Recipe

INSTEAD = "FSDP2 shards weights like ZeRO-3: launch with recipes/accelerate/fsdp2.yaml"


def check_launcher() -> None:
    """Raise UserError if the launcher requests a setting that does not work here."""
    if zero3.wanted():
        zero3.check_launcher(INSTEAD)
    elif fsdp2.wanted():
        fsdp2.check_launcher()


def check(recipe: Recipe, *, leaves_modules_out: bool) -> None:
    """Raise a UserError for a recipe that cannot train on sharded weights. leaves_modules_out: see `dropout`."""
    name = "DeepSpeed" if zero3.wanted() else "FSDP"
    if recipe.model.quantize != "none":
        raise RecipeError(f"model.quantize: {name} cannot shard {recipe.model.quantize} weights; launch without it")
    if recipe.train.optimizer != "adamw":
        raise RecipeError(f"train.optimizer: {name} cannot shard the moments of {recipe.train.optimizer}; use adamw")
    if leaves_modules_out:
        raise RecipeError(
            f"{name}: layers or updates are left out at random, differently in each process; set that rate to 0"
        )
    if why := recipe.method.why_not_sharded:
        raise MethodError(f"method {recipe.method.name}: does not work with {name}: {why}")
    if zero3.wanted():
        zero3.check(recipe)


def unseen() -> AbstractContextManager[None]:
    """Let accelerate set up its processes as if DeepSpeed had not been requested."""
    return zero3.unseen()


def ready(accelerator: Accelerator) -> None:
    """Let accelerate shard weights if the launcher requests it and there are several processes."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return
    if zero3.wanted():
        zero3.ready(accelerator)
    elif fsdp2.wanted():
        fsdp2.ready(accelerator)


def over(accelerator: Accelerator) -> bool:
    """Whether this accelerator shards the models that it prepares."""
    return fsdp2.over(accelerator) or zero3.over(accelerator)


def begin(accelerator: Accelerator, model: nn.Module) -> None:
    """Do what accelerate omits, or does differently, before it shards a model.

    Its own mixed precision for sharded models rounds weights; with autocast the model computes as on one process.
    """
    accelerator.prepare_model(model, evaluation_mode=True)
    accelerator._models.remove(model)
    if fsdp2.over(accelerator):
        fsdp2.begin(accelerator, model)
    else:
        zero3.begin(accelerator, model)


def finish(accelerator: Accelerator, prepared: nn.Module) -> None:
    """Do what accelerate omits after it has sharded a model."""
    if fsdp2.over(accelerator):
        fsdp2.generates(prepared)


def clips(accelerator: Accelerator, max_grad_norm: float) -> None:
    """Set the norm to which DeepSpeed clips gradients; otherwise `clip_grad_norm_` clips them."""
    if zero3.over(accelerator):
        zero3.clips(accelerator, max_grad_norm)


def next_backward(accelerator: Accelerator, *, last: bool) -> None:
    """Say whether the next backward pass is that of a step's last micro-batch, in which DeepSpeed takes the step."""
    if zero3.over(accelerator):
        accelerator.gradient_state._set_sync_gradients(last)


def settle(model: nn.Module) -> None:
    """Reshard weights that are still whole since the model last computed: changes to them would be lost."""
    fsdp2.settle(model)


def read(weight: Tensor) -> Tensor:
    """A weight, or the part of it that this process holds, by reference; with ZeRO-3 a copy of the whole weight."""
    return zero3.read(weight) if zero3.is_sharded(weight) else weight.detach()


def write(place: Tensor, value: Tensor) -> None:
    """Set a weight to what `read` returned, or to a whole value."""
    if zero3.is_sharded(place):
        zero3.write(place, value)
    else:
        place.copy_(fsdp2.like(value, place))


def whole(value: Any, *, keep: bool = True) -> Any:
    """A nested state with its sharded tensors whole and on the CPU: see `fsdp2.whole`. ZeRO-3's is whole already."""
    return fsdp2.whole(value, keep=keep)


def whole_weights(model: nn.Module, *, keep: bool) -> AbstractContextManager[None]:
    """Make the model's trained weights whole, to save them; on all processes at once.

    keep: whether this process saves the model.
    """
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    if any(zero3.is_sharded(weight) for weight in trained):
        return zero3.gathered(trained)
    return fsdp2.whole_weights(model, keep=keep)


class Moments:
    """The optimizer's state, whole with ZeRO-3, otherwise as held; read and written on all processes at once."""

    def __init__(self, accelerator: Accelerator, optimizer: torch.optim.Optimizer) -> None:
        self.zero3 = zero3.Moments(optimizer) if zero3.over(accelerator) else None

    def state(self, prepared: Any) -> zero3.OptimizerState:
        """The state of the optimizer that accelerate has prepared."""
        state: zero3.OptimizerState = self.zero3.state(prepared.optimizer) if self.zero3 else prepared.state_dict()
        return state

    def restore(self, state: zero3.OptimizerState, prepared: Any) -> None:
        """Restore what `state` returned, with whole tensors."""
        if self.zero3:
            self.zero3.restore(state, prepared.optimizer)
        else:
            prepared.load_state_dict(fsdp2.optimizer_state(state, prepared))
