"""Library modules that few runs need are imported on first use, and are then the real ones."""

from __future__ import annotations

import builtins
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from pefbench.importing import imports
from tests.forked import Interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

HEAVY = ("torch.distributed.tensor", "torch._dynamo.eval_frame", "torch._inductor", "bitsandbytes", "scipy.optimize")


def test_a_trial_is_imported_and_an_adapter_put_on_without_what_they_do_not_need(with_models: Interpreter) -> None:
    code = f"""
import sys
import torch
import pefbench.trial.run
from peft import LoraConfig, get_peft_model
from torch.optim import AdamW
from pefbench.importing import imports
from pefbench.trial import devices
with imports.later():
    model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(2, 2)), LoraConfig(target_modules=["0"]))
accelerator = devices.accelerator("fp32")
model, optimizer = accelerator.prepare(model, AdamW(model.parameters(), fused=True))
accelerator.backward(model(torch.ones(1, 2)).sum())
accelerator.clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()
optimizer.zero_grad()
accelerator.unwrap_model(model)
print([name for name in {HEAVY} if name in sys.modules])
"""
    assert with_models.run(code) == "[]"


BEFORE_A_STEP = (
    *(*HEAVY, "torch.fx.experimental.symbolic_shapes", "sympy", "scipy.stats", "scipy.sparse", "sklearn", "joblib"),
    *("accelerate.commands.config", "boto3", "evaluate.evaluator", "pefbench.analysis.tables", "narwhals"),
)

MOST_MODULES = 2_650
"""So many a start may import of packages up to its first step: 2,575 on 2026-11-29 (2,631 on Python 3.13).

With the standard library's, whose number differs between Pythons, 2,887; 4,378 before anything was put off.
"""


def test_a_run_takes_its_first_step_without_what_it_does_not_need_for_it(
    with_models: Interpreter, world: World, out: Path
) -> None:
    code = f"""
import os, sys
from pefbench.trial.loop import Training

step = Training._step

def first(self, batch):
    step(self, batch)
    of_packages = [name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names]
    print([name for name in {BEFORE_A_STEP} if name in sys.modules], len(of_packages) <= {MOST_MODULES}, flush=True)
    os._exit(0)

Training._step = first
from pefbench.cli.main import main
main(["run", {str(world.recipe("start"))!r}, "--out", {str(out)!r}])
"""
    assert with_models.run(code).splitlines()[-1] == "[] True"


def test_a_metric_imports_what_it_scores_with_when_it_scores(with_models: Interpreter) -> None:
    code = """
import sys
from types import SimpleNamespace
import pefbench.models
from pefbench.metrics import compute
from pefbench.trial.score import metrics_of
names = ["entity_f1", "token_report", "accuracy", "pearson"]
metrics = metrics_of(SimpleNamespace(evaluate=SimpleNamespace(metrics=names)))
print([name for name in ("sklearn", "scipy.stats") if name in sys.modules])
tags = [["B-x", "O"], ["O", "B-x"]]
print(compute(metrics["entity_f1"], tags, tags)["entity_f1"], compute(metrics["accuracy"], ["a"], ["a"])["accuracy"])
print(round(compute(metrics["pearson"], [1.0, 2.0, 4.0], [1.0, 2.0, 3.0])["pearson"], 3))
print("sklearn" in sys.modules)
"""
    assert with_models.run(code).splitlines() == ["[]", "1.0 1.0", "0.982", "True"]


def test_what_waits_can_be_imported_ahead_of_its_use(with_models: Interpreter) -> None:
    code = """
import sys
from pefbench.importing import imports
from pefbench.metrics import make
make("entity_f1")
print("sklearn" in sys.modules)
imports.settle("pefbench.metrics", "seqeval")
print("sklearn" in sys.modules)
"""
    assert with_models.run(code).splitlines() == ["False", "True"]


def test_a_verdict_is_computed_without_models() -> None:
    """As by `compare`, whose workers train. evaluate imports transformers' pipelines for what nobody asks of it."""
    code = """
import sys
from pefbench.compare import verdict
from pefbench.metrics import compute, make
print(compute(make("accuracy"), ["a"], ["a"])["accuracy"])
print([name for name in ("torch", "transformers", "peft") if name in sys.modules])
"""
    with Interpreter("datasets") as interpreter:
        assert interpreter.run(code).splitlines() == ["1.0", "[]"]


def test_what_was_put_off_is_real_once_it_is_used(with_models: Interpreter) -> None:
    code = """
import torch
import pefbench.models
from transformers.loss import loss_for_object_detection
from transformers.distributed.utils import is_dtensor
print(loss_for_object_detection.linear_sum_assignment([[1.0, 0.0], [0.0, 1.0]])[1].tolist())
from torch.distributed.tensor import DTensor
from transformers.distributed import sharding_utils
assert isinstance(torch.distributed.tensor, type(torch)) and torch.distributed.tensor.DTensor is DTensor
assert not is_dtensor(torch.ones(1)) and not isinstance(torch.ones(1), sharding_utils.DTensor)
assert issubclass(DTensor, sharding_utils.DTensor)
from peft.tuners.lora import bnb
assert bnb.Linear8bitLt.__name__ == "Linear8bitLt"
"""
    assert with_models.run(code) == "[1, 0]"


def test_a_model_is_compiled_as_if_the_compiler_had_been_there_from_the_start(with_models: Interpreter) -> None:
    code = """
import sys
import torch
import pefbench.models
from transformers.integrations import finegrained_fp8
waiting = torch._dynamo

@torch.compiler.disable
def apart(x):
    assert not torch.compiler.is_compiling()
    return x + 1

assert apart(torch.ones(1)).item() == 2 and torch._dynamo is waiting

@torch.compile(backend="eager")
def compiled(x):
    return apart(x) * 2

assert compiled(torch.ones(1)).item() == 4
assert torch._dynamo is sys.modules["torch._dynamo"] is not waiting
assert waiting.eval_frame is not None and waiting.config is torch._dynamo.config
import torch._dynamo.trace_rules as rules
print(len(waiting.marked) > 0, all(hasattr(f, "_dynamo_marked_constant") for m, f in waiting.marked if "const" in m),
      all(rules.is_callable_allowed(f) for m, f in waiting.marked if m == "allow_in_graph"))
"""
    assert with_models.run(code) == "True True True"


def test_what_lies_below_the_compiler_is_there_once(with_models: Interpreter) -> None:
    code = """
import sys
import torch
import pefbench.models
from torch._dynamo import trace_rules
from torch._dynamo.convert_frame import trace_rules as used
import torch._dynamo.eval_frame as frames
assert trace_rules is used is sys.modules["torch._dynamo.trace_rules"] is torch._dynamo.trace_rules
assert trace_rules.__spec__.name == "torch._dynamo.trace_rules"
assert frames is torch._dynamo.eval_frame and isinstance(torch.compile(torch.nn.Linear(1, 1)), frames.OptimizedModule)
print(type(torch._dynamo) is type(sys), [finder for finder in sys.meta_path if "_Below" in repr(finder)])
"""
    assert with_models.run(code) == "True []"
    assert (
        with_models.run(
            code.replace("from torch._dynamo import trace_rules", "import torch._dynamo.trace_rules as trace_rules")
        )
        == "True []"
    )


def test_python_imports_as_before_after_the_block() -> None:
    stock = builtins.__import__
    with imports.later():
        assert builtins.__import__ is not stock
    assert builtins.__import__ is stock
    with pytest.raises(ModuleNotFoundError), imports.later():
        import_module("pefbench.nothing")
    assert builtins.__import__ is stock


def test_a_stand_in_for_what_is_not_there_says_so_at_its_first_use() -> None:
    missing = imports.stand_in("pefbench.nothing", "Class")
    assert not isinstance(1, missing)
    assert not issubclass(int, missing)
    assert repr(missing.method).endswith("pefbench.nothing.Class.method'>")
    assert (missing | None) is not None
    with pytest.raises(ModuleNotFoundError, match=r"pefbench\.nothing"):
        missing()
    decimal = imports.stand_in("decimal", "Decimal")
    assert decimal("1.50").normalize() == decimal.from_float(1.5)
