"""A model as an ONNX graph, by torch's own exporter, for any number of texts of any length; and one in 8 bits."""

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
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

FILE = "model.onnx"
LARGE = 6 * 2**30
"""Bytes of a graph in fp32 beyond which its weights lie beside it in 8 bits, too: one file may have 2 GiB."""
TRACED = (3, 7)
"""Texts and tokens of the example by which the model is traced; any others come out alike."""


class Graph(nn.Module):
    """A model whose inputs have an order and whose output is one tensor: logits, or the starts and ends of answers."""

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


def write(model: nn.Module, names: Sequence[str], to: Path) -> None:
    """Write the graph of a model that takes these inputs. Raises MethodError for one that torch cannot export so."""
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
    """Put the graph's weights into 8 bits, one scale for each column; activations are rounded as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = file.with_name("whole")
    whole.mkdir()
    for part in file.parent.glob(f"{file.name}*"):  # a decoder's weights lie beside its graph
        part.rename(whole / part.name)
    large = sum(part.stat().st_size for part in whole.iterdir()) > LARGE
    with quiet():
        quantize_dynamic(
            whole / file.name, file, weight_type=QuantType.QInt8, per_channel=True, use_external_data_format=large
        )
    shutil.rmtree(whole)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporter's notices, and those of what it calls, to itself."""
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
