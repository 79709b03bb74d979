"""The extra cost of dropout drawn by example and step over dropout from a random stream, alternating step by step.

    python -m benchmarks.dropout_cost [--repeats 9] [--rows 32] [--tokens 40] [--threads 1]

Both sides train the same untrained BERT of MiniLM's size: forward, backward and AdamW step. The stream is torch's
generator, used as cheaply as `cpu_kernels` can.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch
from transformers import BertConfig, BertForSequenceClassification

from pefbench.models.cpu_kernels import cheap_dropout, fast_on_cpu
from pefbench.models.keyed_dropout import KeyedDropout

if TYPE_CHECKING:
    from collections.abc import Callable

MINILM: dict[str, Any] = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "attn_implementation": "eager",
}
FIRST_WORD, LAST_WORD = 1000, 30_000


def main() -> None:
    """Time pairs of steps and print the median of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("repeats", 9), ("rows", 32), ("tokens", 40), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parsed = parser.parse_args()
    torch.set_num_threads(parsed.threads)
    torch.manual_seed(0)
    step = trained(parsed.rows, parsed.tokens)
    keyed = KeyedDropout(0)
    sides: list[Callable[..., torch.Tensor]] = [cheap_dropout, keyed]
    ratios = []
    for repeat in range(parsed.repeats + 1):
        seconds = {}
        for side in sides if repeat % 2 else reversed(sides):
            keyed.start(repeat, range(parsed.rows))
            seconds[side] = step(side)
        if repeat:  # the first is a warm-up
            ratios.append(seconds[keyed] / seconds[cheap_dropout])
            print(f"by example and step {seconds[keyed]:.3f} s, stream {seconds[cheap_dropout]:.3f} s", flush=True)
    print(f"a step takes {statistics.median(ratios):.3f}x as long ({min(ratios):.3f} to {max(ratios):.3f})")


def trained(rows: int, tokens: int) -> Callable[[Callable[..., torch.Tensor]], float]:
    """A function that takes one training step with a dropout and returns its seconds."""
    model: Any = BertForSequenceClassification(BertConfig(**MINILM)).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    ids, labels = torch.randint(FIRST_WORD, LAST_WORD, (rows, tokens)), torch.randint(0, 2, (rows,))

    def step(dropout: Callable[..., torch.Tensor]) -> float:
        start = time.perf_counter()
        with fast_on_cpu(dropout):
            model(ids, attention_mask=torch.ones_like(ids), labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return time.perf_counter() - start

    return step


if __name__ == "__main__":
    main()
