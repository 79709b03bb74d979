"""How trials use the hardware: processes, threads, precision, attention kernels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import torch

from pefbench import hardware
from pefbench.errors import RecipeError
from pefbench.trial import sharding

if TYPE_CHECKING:
    from accelerate import Accelerator

    from pefbench.sections import Precision

MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def set_threads(wanted: int | None) -> None:
    """Use all cores, divided among the processes of this machine.

    Launchers set OMP_NUM_THREADS=1, which would leave the other cores idle.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    torch.set_num_threads(wanted or max(1, hardware.cores() // processes))


def resolve_precision(wanted: Precision) -> Literal["fp32", "bf16", "fp16"]:
    """The precision to use on this machine; resolves `auto`. Raises RecipeError if the hardware does not support it."""
    if wanted == "fp16" and hardware.kind() != "cuda":
        raise RecipeError("train.precision: fp16 needs a CUDA GPU; use bf16, fp32 or auto")
    if wanted != "auto":
        return wanted
    return "bf16" if hardware.multiplies_bf16() else "fp32"


def attention(precision: str, *, dropout: bool) -> str:
    """The attention implementation to train with.

    On a CPU the fused kernel has a slower backward pass in bf16, and falls back to unfused operations with dropout.
    """
    return "eager" if hardware.kind() == "cpu" and (precision == "bf16" or dropout) else "sdpa"


def accelerator(precision: str) -> Accelerator:
    """Accelerate's view of the processes and devices of this run."""
    from accelerate import Accelerator, DistributedDataParallelKwargs

    from pefbench.importing import imports

    class Ours(Accelerator):  # type: ignore[misc]  # a class of a library without types
        """An Accelerator that calls accelerate under `imports.later`, and prepares models for sharding."""

        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            with imports.later():
                if not sharding.over(self):
                    return super().prepare(*args, **kwargs)
                sharding.begin(self, args[0])
                prepared = super().prepare(*args, **kwargs)
                sharding.finish(self, prepared[0])
                return prepared

        def clip_grad_norm_(self, *args: Any, **kwargs: Any) -> Any:
            with imports.later():
                return super().clip_grad_norm_(*args, **kwargs)

        def unwrap_model(self, *args: Any, **kwargs: Any) -> Any:
            with imports.later():
                return super().unwrap_model(*args, **kwargs)

    with sharding.unseen():
        made = Ours(
            cpu=hardware.kind() == "cpu",
            mixed_precision=MIXED[precision],
            kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
        )
    sharding.ready(made)
    return made
