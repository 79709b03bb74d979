"""Training steps of a Llama-shaped model with 1B random weights on a GPU: LoRA, full, PEFT's own LoRA, and QLoRA.

    python -m benchmarks.gpu [--repeats 7] [--tokens 4096] [--length 512]

Steps alternate, in bf16, on about `tokens` tokens. Peak memory is torch's, for one way at a time. `floor` is a forward
and backward pass through the frozen model alone, down to its inputs. Without a GPU the script says so and exits.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch

from benchmarks import _table

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE: dict[str, Any] = {
    "vocab_size": 32000,
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_hidden_layers": 22,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
}
"""TinyLlama's sizes: 1.1 billion weights."""
WAYS = ("lora", "lora, recompute", "lora by PEFT under autocast", "qlora", "full", "floor")
GOALS = {
    "lora / floor, seconds": ("lora", "floor", 0, "at most 1.06"),
    "lora / full, seconds": ("lora", "full", 0, "at most .50"),
    "lora / PEFT's default, peak memory": ("lora", "lora by PEFT under autocast", 1, "at most .85"),
    "qlora / lora, peak memory": ("qlora", "lora", 1, "at most .55"),
    "lora with recompute / without, seconds": ("lora, recompute", "lora", 0, ""),
    "lora with recompute / without, peak memory": ("lora, recompute", "lora", 1, ""),
}


def main() -> None:
    """Measure each way, print the ratios and put them into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--length", type=int, default=512)
    parsed = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU was found: nothing was measured")
        return
    found = {way: measure(way, parsed.tokens // parsed.length, parsed.length, parsed.repeats) for way in WAYS}
    rows = []
    for what, (one, other, which, goal) in GOALS.items():
        rows.append([what, f"{found[one][which] / found[other][which]:.2f}", goal])
    rows += [[f"{way}: step in ms, peak in GB", f"{1e3 * s:.0f}, {m / 1e9:.2f}", ""] for way, (s, m) in found.items()]
    command = f"python -m benchmarks.gpu --repeats {parsed.repeats} --tokens {parsed.tokens} --length {parsed.length}"
    _table.write("gpu", [torch.cuda.get_device_name(), "Median", "Goal"], rows, command)


def measure(way: str, rows: int, length: int, repeats: int) -> tuple[float, int]:
    """The median seconds of a step, and the peak memory in bytes."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    torch.manual_seed(0)
    step = made(way, torch.randint(0, SHAPE["vocab_size"], (rows, length), device="cuda"))
    seconds = []
    for repeat in range(repeats + 2):
        torch.cuda.synchronize()
        started = time.perf_counter()
        step()
        torch.cuda.synchronize()
        if repeat >= 2:  # those before are a warm-up
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), torch.cuda.max_memory_allocated()


def made(way: str, ids: torch.Tensor) -> Callable[[], None]:
    """A step of this way on these tokens (rows, length)."""
    from pefbench.methods.lora import Lora
    from pefbench.models import frozen, recompute
    from pefbench.models.frozen import Frozen

    model: Any = model_of(way).to("cuda")
    if way == "full":
        method: Any = None
    elif way == "floor":
        model.requires_grad_(requires_grad=False)
    else:
        method = Lora(name="lora")
        if "recompute" in way:
            recompute.apply(model)
        model = method.apply(model, "CAUSAL_LM").to("cuda")
        if "PEFT" not in way:
            method.on_model_ready(model)
            frozen.cast(model, Frozen("bf16", method.trainable_pattern))
    model.train()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True) if trained else None

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            if optimizer is None:
                given = model.get_input_embeddings()(ids).requires_grad_()
                loss = model(inputs_embeds=given, labels=ids).loss
            else:
                loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        if optimizer is not None:
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return step


def model_of(way: str) -> Any:
    """The model with random weights: fp32 for full fine-tuning and for unchanged PEFT, otherwise frozen in bf16."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("cuda"):
        model: Any = LlamaForCausalLM(LlamaConfig(**SHAPE))
    if way == "qlora":
        return in_four_bits(model.to(torch.bfloat16))
    return model.to(torch.bfloat16) if way == "floor" else model


def in_four_bits(model: Any) -> Any:
    """The model with its blocks' linear layers in nf4."""
    import bitsandbytes as bnb

    for name, module in [*model.named_modules()]:
        if isinstance(module, torch.nn.Linear) and "layers." in name:
            small = bnb.nn.Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                compute_dtype=torch.bfloat16,
                quant_type="nf4",
            )
            small.weight = bnb.nn.Params4bit(module.weight.data, requires_grad=False, quant_type="nf4")
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, small.to("cuda"))
    return model


if __name__ == "__main__":
    main()
