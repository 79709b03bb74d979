"""Weights that DeepSpeed's ZeRO-3 shards over the processes, if `accelerate launch` requests it.

Between its steps each process holds a part of every weight; a block is gathered as a whole while it computes. DeepSpeed
steps inside `backward`. Saved models and checkpoints contain whole weights and moments, in the format of torch's AdamW,
so that any number of processes can read them, with or without DeepSpeed. Source: Rajbhandari et al., ZeRO (SC 2020),
section 5.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from pefbench import hardware
from pefbench.errors import RecipeError, UserError
from pefbench.models import architecture
from pefbench.trial import launcher
from pefbench.trial.launcher import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from accelerate import Accelerator
    from torch import Tensor, nn

    from pefbench.recipe import Recipe

ASKED = "ACCELERATE_USE_DEEPSPEED"
"""The environment variable with which `accelerate launch` requests DeepSpeed."""
ON_CPU = "DS_ACCELERATOR"
"""DeepSpeed's own variable; with `cpu` it runs over gloo, for tests."""
SETTINGS = (
    Setting(
        "ACCELERATE_DEEPSPEED_ZERO_STAGE",
        "zero_stage",
        "3",
        "FSDP2 or plain DDP replace the other stages",
        unset="2",
    ),
    Setting(
        "ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE",
        "offload_optimizer_device",
        "none",
        "offloading is not supported",
        unset="none",
    ),
    Setting(
        "ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE",
        "offload_param_device",
        "none",
        "offloading is not supported",
        unset="none",
    ),
    Setting(
        "ACCELERATE_DEEPSPEED_ZERO3_INIT",
        "zero3_init_flag",
        "false",
        "methods are applied before the weights are sharded",
    ),
    Setting(
        "ACCELERATE_DEEPSPEED_CONFIG_FILE",
        "deepspeed_config_file",
        "none",
        "the recipe sets precision, clipping and batch size",
        unset="none",
    ),
)
MOMENTS = ("exp_avg", "exp_avg_sq")
OptimizerState = dict[str, Any]  # in the format of torch's optimizers


def wanted() -> bool:
    """Whether the launcher requests DeepSpeed."""
    return launcher.wants(ASKED)


def check_launcher(instead: str) -> None:
    """Raise UserError if the launcher requests a setting that does not work here. instead: what to suggest."""
    if not find_spec("deepspeed"):
        raise UserError("DeepSpeed is not installed: pip install 'pefbench[deepspeed]'")
    if hardware.kind() != "cuda" and os.environ.get(ON_CPU) != "cpu":
        raise UserError(f"DeepSpeed needs a CUDA GPU, and there is none; {instead}")
    launcher.check("DeepSpeed", SETTINGS)


def check(recipe: Recipe) -> None:
    """Raise a UserError for a recipe that cannot train with DeepSpeed, besides what sharding in general excludes."""
    if recipe.train.precision == "fp16":
        raise RecipeError("train.precision: fp16 does not work with DeepSpeed; use bf16, fp32 or auto")


@contextmanager
def unseen() -> Iterator[None]:
    """Hide DeepSpeed while accelerate sets up its processes: it would round weights and ignore CPUs."""
    asked = os.environ.pop(ASKED, None)
    try:
        yield
    finally:
        if asked is not None:
            os.environ[ASKED] = asked


def ready(accelerator: Accelerator) -> None:
    """Let accelerate pass the model to DeepSpeed, also on CPUs."""
    import deepspeed
    from accelerate.state import PartialState
    from accelerate.utils import DeepSpeedPlugin, DistributedType

    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    deepspeed.init_distributed(dist_backend=torch.distributed.get_backend(), auto_mpi_discovery=False)
    state = accelerator.state
    state.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.DEEPSPEED
    state.deepspeed_plugins = DeepSpeedPlugin()
    state.deepspeed_plugins._set_selected(value=True)  # `select` would make transformers shard the models that it loads
    accelerator.deepspeed_engine_wrapped = None


def begin(accelerator: Accelerator, model: nn.Module) -> None:
    """Set what accelerate would read from a data loader, and make DeepSpeed gather each block as a whole.

    Methods access the layers inside a block directly, without the calls in which DeepSpeed gathers each of them.
    """
    import deepspeed
    from deepspeed.utils import set_z3_leaf_modules

    bare = architecture.unwrap(model)
    set_z3_leaf_modules(model, {type(bare.get_submodule(name)) for name in architecture.blocks(bare)})
    bare.get_input_embeddings().register_forward_hook(_needs_gradient)
    config = accelerator.state.deepspeed_plugin.deepspeed_config
    config["train_micro_batch_size_per_gpu"] = 1  # required, but unused: the stepper distributes the batches
    known = {key: value for key, value in config.items() if value != "auto"}
    deepspeed.zero.Init(module=model, config_dict_or_path=known, dtype=torch.float32)  # otherwise all goes to the GPU
    model.to(accelerator.device)


def _needs_gradient(_: nn.Module, __: Any, output: Tensor) -> None:
    """Give the first block an input with a gradient: without one DeepSpeed releases the block too early."""
    if torch.is_grad_enabled() and not output.requires_grad:
        output.requires_grad_()


def clips(accelerator: Accelerator, max_grad_norm: float) -> None:
    """Set the norm to which DeepSpeed clips gradients."""
    accelerator.deepspeed_engine_wrapped.engine.optimizer.clip_grad = max_grad_norm


def over(accelerator: Accelerator) -> bool:
    """Whether DeepSpeed trains the models that this accelerator prepares."""
    return bool(accelerator.distributed_type == "DEEPSPEED")


def is_sharded(weight: Tensor) -> bool:
    """Whether DeepSpeed manages the weight."""
    return hasattr(weight, "ds_id")


@contextmanager
def gathered(weights: Iterable[Tensor], *, changed: bool = False) -> Iterator[None]:
    """Make weights whole inside, on all processes at once. changed: keep the main process's changes."""
    import deepspeed

    with deepspeed.zero.GatheredParameters([*weights], modifier_rank=0 if changed else None):
        yield


def read(weight: Tensor) -> Tensor:
    """A copy of the whole weight, on the CPU; on all processes at once."""
    with gathered([weight]):
        return weight.detach().cpu().clone()


def write(weight: Tensor, value: Tensor) -> None:
    """Set a weight to a whole value, on all processes at once, and likewise the optimizer's own copy of it."""
    from deepspeed.utils import safe_set_local_fp32_param

    with gathered([weight], changed=True):
        weight.data.copy_(value)
    safe_set_local_fp32_param(weight, _part(value, weight))


class Moments:
    """The state of AdamW with ZeRO-3, in torch's format for whole weights in the order of its groups."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.groups = [dict(group) for group in optimizer.param_groups]
        self.weights = [weight for group in self.groups for weight in group["params"]]

    def state(self, optimizer: Any) -> OptimizerState:
        """The whole state; on all processes at once."""
        from deepspeed.utils import safe_get_full_optimizer_state

        numbers = iter(range(len(self.weights)))
        groups = [{**group, "params": [next(numbers) for _ in group["params"]]} for group in self.groups]
        states = optimizer.optimizer.state
        if not states:  # before the first step
            return {"state": {}, "param_groups": groups}
        step = next(iter(states.values()))["step"]
        moments = {
            number: {
                "step": step.cpu().clone(),
                **{name: safe_get_full_optimizer_state(weight, name).cpu().clone() for name in MOMENTS},
            }
            for number, weight in enumerate(self.weights)
        }
        return {"state": moments, "param_groups": groups}

    def restore(self, state: OptimizerState, optimizer: Any) -> None:
        """Restore what `state` returned, or torch's AdamW, which has no state for a weight that got no gradient."""
        from deepspeed.utils import safe_set_local_optimizer_state

        if not state["state"]:
            return
        step = next(iter(state["state"].values()))["step"]
        for flat in optimizer.fp32_partitioned_groups_flat:
            optimizer.optimizer.state[flat] = {
                "step": step.to(flat.device, copy=True),
                **{name: torch.zeros_like(flat) for name in MOMENTS},
            }
        for number, moments in state["state"].items():
            weight = self.weights[number]
            for name in MOMENTS:
                safe_set_local_optimizer_state(weight, _part(moments[name], weight), name)


def _part(value: Tensor, weight: Any) -> Tensor:
    """This process's part of a whole value, padded like the weight's own part."""
    size = weight.ds_tensor.numel()
    rank, processes = torch.distributed.get_rank(), torch.distributed.get_world_size()
    flat = torch.nn.functional.pad(value.flatten(), (0, size * processes - value.numel()))
    return flat.narrow(0, size * rank, size)
