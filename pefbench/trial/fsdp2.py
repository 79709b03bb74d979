"""Weights that FSDP2 shards over the processes, if `accelerate launch` requests it.

Between its steps each process holds its shard of every weight, as a DTensor. Saved models and checkpoints contain whole
weights, so that any number of processes can read them. All processes gather a layer together when the model computes
it, so all must call the model equally often.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pefbench.models import architecture
from pefbench.trial import launcher
from pefbench.trial.launcher import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from accelerate import Accelerator
    from torch import Tensor


ASKED = "ACCELERATE_USE_FSDP"
"""The environment variable with which `accelerate launch` requests FSDP."""
FILE = "fsdp2.yaml"
SETTINGS = (
    Setting("FSDP_VERSION", "fsdp_version", "2", "version 1 flattens trained and frozen weights into one", unset="1"),
    Setting("FSDP_OFFLOAD_PARAMS", "fsdp_offload_params", "false", "offloaded weights are not supported"),
    Setting(
        "FSDP_CPU_RAM_EFFICIENT_LOADING",
        "fsdp_cpu_ram_efficient_loading",
        "false",
        "it loads weights in the first process alone, before the method is applied",
    ),
    Setting(
        "FSDP_ACTIVATION_CHECKPOINTING",
        "fsdp_activation_checkpointing",
        "false",
        "set train.recompute in the recipe",
    ),
)


def wanted() -> bool:
    """Whether the launcher requests FSDP."""
    return launcher.wants(ASKED)


def check_launcher() -> None:
    """Raise UserError if the launcher requests a setting that does not work here."""
    launcher.check("FSDP", SETTINGS)


def ready(accelerator: Accelerator) -> None:
    """Let accelerate shard the weights without rounding them, also on CPUs.

    On CPUs accelerate silently ignores the request, although gloo and FSDP2 support it.
    """
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

    state = accelerator.state
    state.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP
    state.fsdp_plugin = FullyShardedDataParallelPlugin()


def begin(accelerator: Accelerator, model: nn.Module) -> None:
    """Name the layers to shard by, before accelerate shards a model.

    accelerate's own policy uses the modules that transformers does not split. These include embeddings, whose
    submodules it then shards again.
    """
    plugin = accelerator.state.fsdp_plugin
    if plugin.transformer_cls_names_to_wrap is None:
        bare = architecture.unwrap(model)
        layers = [bare.get_submodule(name) for name in architecture.blocks(bare)]
        plugin.transformer_cls_names_to_wrap = sorted({type(layer).__name__ for layer in layers})


def generates(model: nn.Module) -> None:
    """Let a sharded model gather the weights outside its layers also when it generates.

    Generating bypasses the forward pass in which FSDP gathers them; the layers gather in their own.
    """
    from torch.distributed.fsdp import register_fsdp_forward_method

    if hasattr(model, "generate"):
        register_fsdp_forward_method(model, "generate")


def over(accelerator: Accelerator) -> bool:
    """Whether the model that this accelerator has prepared is sharded."""
    return bool(accelerator.is_fsdp2)


def is_sharded(tensor: Tensor) -> bool:
    """Whether each process holds only a part of the tensor."""
    return hasattr(tensor, "full_tensor")


def whole(value: Any, *, keep: bool = True) -> Any:
    """A nested state with its sharded tensors whole and on the CPU; on all processes at once.

    keep: whether this process needs them; otherwise it gets an empty tensor for each sharded one.
    """
    if isinstance(value, dict):
        return {key: whole(each, keep=keep) for key, each in value.items()}
    if isinstance(value, list):
        return [whole(each, keep=keep) for each in value]
    if not isinstance(value, torch.Tensor) or not is_sharded(value):
        return value
    sharded: Any = value
    gathered = sharded.to(sharded.device_mesh.device_type).full_tensor()
    return gathered.cpu() if keep else gathered.new_empty(0, device="cpu")


def settle(model: nn.Module) -> None:
    """Reshard weights that are still whole since the model last computed: changes to them would be lost."""
    for module in model.modules():
        if reshard := getattr(module, "reshard", None):
            reshard()


def like(tensor: Tensor, place: Tensor) -> Tensor:
    """A whole tensor, sharded like `place`: each process takes its own part of it."""
    if not is_sharded(place) or is_sharded(tensor):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = place.device_mesh, place.placements  # type: ignore[attr-defined]  # of a DTensor
    return distribute_tensor(tensor.to(mesh.device_type), mesh, placements, src_data_rank=None)


def optimizer_state(state: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> Any:
    """A whole optimizer state, sharded like the weights."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    moments = {
        number: {
            name: like(value, weights[number]) if _is_of(value, weights[number]) else value
            for name, value in values.items()
        }
        for number, values in state["state"].items()
    }
    return {**state, "state": moments}


@contextmanager
def whole_weights(model: nn.Module, *, keep: bool) -> Iterator[None]:
    """Make the model's trained weights whole, on the CPU, to save them; on all processes at once.

    keep: whether this process saves the model.
    """
    taken: list[tuple[nn.Module, str, nn.Parameter]] = []
    made: dict[nn.Parameter, nn.Parameter] = {}  # a weight may be shared by several modules
    settle(model)
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None and weight.requires_grad and is_sharded(weight):
                taken.append((module, name, weight))
    try:
        for module, name, weight in taken:
            if weight not in made:
                made[weight] = nn.Parameter(whole(weight.detach(), keep=keep))
            module._parameters[name] = made[weight]
        yield
    finally:
        for module, name, weight in taken:
            module._parameters[name] = weight


def _is_of(value: object, weight: Tensor) -> bool:
    return isinstance(value, torch.Tensor) and value.shape == weight.shape and is_sharded(weight)
