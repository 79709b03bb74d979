"""The minimum time of a LoRA step: its bare matrix products, compared with our whole step on the same batches.

    python -m benchmarks.matrix_floor [--repeats 5] [--batch-size 32] [--batches 3] [--processor-seconds]

Everything is in fp32, on the first batches of an epoch of `against_trainer`'s job, alternating in one process. The
products are those of the forward and backward pass, with the fastest available calls: those of frozen maps, of LoRA and
of attention. Biases, softmax, norms, GELU, dropout, embeddings, the loss, clipping and the optimizer are left out. The
ratio is thus the largest possible speed-up of a step with these products.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from benchmarks import _table
from benchmarks.against_trainer import RECIPE
from pefbench.models.cpu_kernels import product
from pefbench.recipe import load_recipe
from pefbench.trial import build, devices
from pefbench.trial.batching import epoch_batches
from pefbench.trial.dropout import how_drawn
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from pefbench.trial.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pefbench.recipe import Recipe
    from pefbench.trial.batching import Indices

    Steps = list[Callable[[], object]]


def main() -> None:
    """Alternate, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("repeats", 5), ("batch-size", 32), ("batches", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    _table.add_clock(parser)
    parsed = parser.parse_args()
    clock = _table.clock(parsed)
    settings = {"batch_size": parsed.batch_size, "precision": "fp32", "evaluate": "none"}
    settings |= {"threads": 1} if parsed.processor_seconds else {}
    recipe = load_recipe(RECIPE, [f"train.{name}={value}" for name, value in settings.items()])
    devices.set_threads(recipe.train.threads)
    sides = both(recipe, parsed.batches)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(parsed.repeats + 1):
        for name, steps in sorted(sides.items(), reverse=bool(repeat % 2)):
            started = clock()
            for step in steps:
                step()
            if repeat:  # the first is a warm-up
                taken[name].append(clock() - started)
    ratios = [whole / floor for whole, floor in zip(taken["pefbench"], taken["products"], strict=True)]
    rows = [[str(parsed.batch_size), "pefbench / products", _table.spread(ratios)]]
    command = f"python -m benchmarks.matrix_floor --repeats {parsed.repeats} --batch-size {parsed.batch_size}"
    command += f" --batches {parsed.batches}{_table.option(parsed)}"
    _table.write(f"floor {parsed.batch_size}", ["Batch", "Seconds of a step in fp32", "Median"], rows, command)


def both(recipe: Recipe, batches: int) -> dict[str, Steps]:
    """Our steps on a few batches of an epoch, and their matrix products."""
    ready = prepare(recipe, Phases(), ["train"])
    accelerator = devices.accelerator(ready.recipe.train.precision)
    by_example = how_drawn(ready.recipe, ready.config) == "by example and step"
    model = build.with_method(ready, build.pretrained(ready))
    stepper = Stepper(model, ready, accelerator, dropout_by_example=by_example)
    stepper.model.train()
    encoded, settings = ready.encoded["train"], recipe.train
    planned = epoch_batches(encoded.lengths, settings.batch_size, seed=settings.seed, epoch=0)[:batches]

    def step(batch: Indices) -> None:
        with stepper.kernels():
            stepper.take(batch, 0, 1.0)

    rank = int(recipe.method.rank)  # type: ignore[attr-defined]
    sizes = Sizes.of(ready.config, rank)
    return {
        "pefbench": [partial(step, batch) for batch in planned],
        "products": [products(len(batch), int(encoded.lengths[batch].max()), sizes) for batch in planned],
    }


@dataclass(frozen=True)
class Sizes:
    """The sizes of the products in an encoder with LoRA on all its linear maps."""

    layers: int
    heads: int
    hidden: int
    inner: int
    rank: int

    @staticmethod
    def of(config: Any, rank: int) -> Sizes:
        """The sizes of a BERT."""
        return Sizes(
            config.num_hidden_layers, config.num_attention_heads, config.hidden_size, config.intermediate_size, rank
        )


def products(rows: int, longest: int, sizes: Sizes) -> Callable[[], None]:
    """The products of one step on a batch (rows, longest); the lowest three maps' inputs need no gradient."""
    tokens, head = rows * longest, sizes.hidden // sizes.heads
    maps = {(size[1], size[0]): Map.of(tokens, *size, sizes.rank) for size in _maps(sizes)}
    query = torch.randn(rows * sizes.heads, longest, head)
    scores = torch.randn(rows * sizes.heads, longest, longest)

    def step() -> None:
        with torch.no_grad():
            for layer in range(sizes.layers):
                for number, (inputs, outputs) in enumerate(_maps(sizes)):
                    maps[outputs, inputs].both(through=layer > 0 or number > 2)
                attention(query, scores)

    return step


def _maps(sizes: Sizes) -> list[tuple[int, int]]:
    """Inputs and outputs of a layer's maps: query, key, value, output, and the two feed-forward maps."""
    square = (sizes.hidden, sizes.hidden)
    return [square, square, square, square, (sizes.hidden, sizes.inner), (sizes.inner, sizes.hidden)]


@dataclass(frozen=True)
class Map:
    """The operands of one LoRA layer's products: inputs, gradients of outputs, the frozen weight, A and B."""

    x: Tensor
    grad: Tensor
    weight: Tensor
    a: Tensor
    b: Tensor

    @staticmethod
    def of(tokens: int, inputs: int, outputs: int, rank: int) -> Map:
        """Random ones."""
        shapes = ((tokens, inputs), (tokens, outputs), (outputs, inputs), (rank, inputs), (outputs, rank))
        return Map(*(torch.randn(shape) for shape in shapes))

    def both(self, *, through: bool) -> None:
        """The products of the forward and backward pass. through: the inputs need a gradient."""
        down = product(self.x, self.a)
        product(self.x, self.weight).addmm_(down, self.b.T)
        up = product(self.grad, self.b.T)
        if through:
            product(self.grad, self.weight.T).addmm_(up, self.a)
        product(up.T, self.x.T)
        product(down.T, self.grad.T)


def attention(query: Tensor, scores: Tensor) -> None:
    """Attention's products, all heads at once: query (n, longest, head), scores (n, longest, longest)."""
    torch.bmm(query, query.transpose(1, 2))  # scores
    torch.bmm(scores, query)  # mixed values
    torch.bmm(scores.transpose(1, 2), query)  # the gradient of values
    torch.bmm(query, query.transpose(1, 2))  # of scores
    torch.bmm(scores, query)  # of queries
    torch.bmm(scores.transpose(1, 2), query)  # of keys


if __name__ == "__main__":
    main()
