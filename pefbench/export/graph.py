"""Exports a model to an ONNX graph for any number of texts of any length, with torch's exporter; quantises graphs."""

from __future__ import annotations

import logging
import shutil
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pefbench.errors import MethodError
from pefbench.heads import forward
from pefbench.models import sparse_attention
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

FILE = "model.onnx"
LARGE = 6 * 2**30
"""Bytes of an fp32 graph above which even its 8-bit weights go into a separate file: a file may have 2 GiB."""
TRACED = (3, 7)
"""Texts and tokens of the example with which the model is traced; the graph accepts other numbers."""


class Graph(nn.Module):
    """A model with ordered inputs and one output tensor: logits, or the start and end logits of answers."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, list(names)

    def forward(self, *inputs: Tensor) -> Tensor:
        """(rows, length) each -> (rows, outputs) or (rows, length, outputs)."""
        output = forward(self.model, dict(zip(self.names, inputs, strict=True)))
        if hasattr(output, "start_logits"):
            return torch.stack([output.start_logits, output.end_logits], dim=-1)
        logits: Tensor = output.logits
        return logits


def check(config: Any) -> None:
    """Raise MethodError for a model whose attention depends on the length of a text: a graph has only one."""
    if sparse_attention.is_sparse(config):
        raise MethodError(
            "--as onnx: BigBird's attention is full for short texts and sparse for long ones, but a graph has one "
            "attention; train with a train.max_length up to which it is full"
        )


def write(model: nn.Module, names: Sequence[str], to: Path) -> None:
    """Write the graph of a model with these inputs. Raises MethodError if torch cannot export it for all sizes."""
    inputs = tuple(torch.full(TRACED, 0 if name == "token_type_ids" else 1) for name in names)
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    kind = type(model).__name__
    with quiet(), torch.no_grad(), reading(f"{kind}: torch cannot export it to ONNX", MethodError):
        program: Any = torch.onnx.export(
            Graph(model, names).eval(),
            inputs,
            dynamo=True,
            input_names=list(names),
            output_names=["logits"],
            dynamic_shapes={"inputs": tuple(dict(free) for _ in names)},
            verbose=False,
        )
        fixed = [size for each in program.model.graph.inputs for size in each.shape if isinstance(size, int)]
        if fixed:
            raise MethodError(f"{kind}: its graph would be fixed to {fixed[0]} texts or tokens")
        program.save(to)


def quantize(file: Path) -> None:
    """Quantise the graph's weights to 8 bits, with one scale per column; activations are quantised dynamically."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = file.with_name("whole")
    whole.mkdir()
    for part in file.parent.glob(f"{file.name}*"):  # a decoder's weights are in separate files
        part.rename(whole / part.name)
    large = sum(part.stat().st_size for part in whole.iterdir()) > LARGE
    with quiet():
        quantize_dynamic(
            whole / file.name, file, weight_type=QuantType.QInt8, per_channel=True, use_external_data_format=large
        )
    shutil.rmtree(whole)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the messages of the exporter and the libraries that it calls."""
    loggers = [
        logging.getLogger(name)
        for name in ("torch.onnx", "onnxscript", "onnx_ir", "root", "torch.export", "torch._export")
    ]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
