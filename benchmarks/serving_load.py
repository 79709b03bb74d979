"""The performance of `pefbench serve` under load: requests per second, latency with 1, 8 and 64 adapters, and memory.

    python -m benchmarks.serving_load results/lora_topic/ID [--seconds 10]

The trial's LoRA adapter is copied with different weights, once per adapter. wrk (https://github.com/wg/wrk), which must
be installed, sends requests to them in turn over the loopback. Memory is that of the process before and after all but
the first adapter are loaded, without requests in between. `--peft` compares one batch of all adapters with PEFT's own
mixed batch (`adapter_names`) in one process, alternating. `--processes` compares one server per adapter with one server
for all. `--swap` measures loading an adapter that has no weights in memory, in wall-clock and processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil
import torch
from safetensors.torch import load_file, save_file

from pefbench.inference import loading
from pefbench.trial.saved import ABOUT, read_trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEXT = "who what where is the first man on moon of a city in which year did they build old bridge near"
SCRIPT = """
local adapters, count = {adapters}, 0
local words = {{{words}}}
function request()
  count = count + 1
  local text = words[count % #words + 1]
  for i = 1, 10 do text = text .. " " .. words[(count * 7 + i * 3) % #words + 1] end
  local body = '{{"model": "a' .. (count % adapters + {first}) .. '", "inputs": "' .. text .. '"}}'
  return wrk.format("POST", "/v1/predict", {{["Content-Type"] = "application/json"}}, body)
end
function done(summary, latency)
  io.write(string.format("FOUND %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


def adapters(trial: Path, to: Path, count: int) -> None:
    """Write `count` adapters like the trial's, with different weights."""
    for number in range(count):
        folder = shutil.copytree(trial / "model", to / f"a{number}")
        about = json.loads((folder / ABOUT).read_text(encoding="utf8"))
        about["recipe"]["model"] = read_trial(loading.find(trial))["recipe"]["model"]  # the base model's actual place
        about.pop("files", None)
        (folder / ABOUT).write_text(json.dumps(about), encoding="utf8")
        torch.manual_seed(number)
        weights = load_file(folder / "adapter_model.safetensors")
        changed = {name: weight + 0.02 * torch.randn_like(weight) for name, weight in weights.items()}
        save_file(changed, folder / "adapter_model.safetensors", metadata={"format": "pt"})


@contextmanager
def serving(folder: Path, *groups: Sequence[int]) -> Iterator[list[tuple[psutil.Process, int]]]:
    """A server for each group of adapters, all ready, and its port. They start together, and end with the block."""
    with ExitStack() as stack:
        servers = []
        for numbers in groups:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            names = [f"a{number}={folder / f'a{number}'}" for number in numbers]
            command = [sys.executable, "-m", "pefbench", "serve", *names, "--port", str(port), "--models", str(folder)]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(process.send_signal, signal.SIGTERM)
            servers.append((process, port))
        for process, port in servers:
            await_ready(process, port)
        yield [(psutil.Process(process.pid), port) for process, port in servers]


def await_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a server answers. Raises SystemExit if it has ended."""
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=60).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"the server at port {port} ended with status {process.returncode}")


def load(port: int, count: int, clients: int, seconds: int, script: Path, first: int = 0) -> list[float]:
    """Requests a second, failures, and the 50th, 95th and 99th percentile in milliseconds. first: of the adapters."""
    words = ", ".join(f'"{word}"' for word in TEXT.split())
    script.write_text(SCRIPT.format(adapters=count, words=words, first=first), encoding="utf8")
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script)]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"FOUND (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", said)
    if not found:
        raise SystemExit(said)
    requests, micros, failed, *percentiles = map(int, found.groups())
    return [requests / micros * 1e6, failed, *(each / 1000 for each in percentiles)]


def beside_peft(folder: Path, count: int, rounds: int) -> None:
    """Print the time of a batch with one row per adapter, and PEFT's time for the same."""
    from peft import PeftModel

    from pefbench.inference import loading
    from pefbench.models import loading as models
    from pefbench.server.store import Store
    from pefbench.trial import build
    from pefbench.trial.cache import Shared

    opened = loading.opened(folder / "a0", None, Shared())
    ready = opened.ready
    model = models.load_pretrained(ready.base, ready.config, opened.head, attention=build.attention(ready))
    wrapped = PeftModel.from_pretrained(model, folder / "a0", adapter_name="a0")
    for number in range(1, count):
        wrapped.load_adapter(folder / f"a{number}", adapter_name=f"a{number}")
    wrapped.eval()
    store = Store(count)
    held = [store.hold(store.open(f"a{number}", folder / f"a{number}")) for number in range(count)]
    base = store.find("a0").base
    if base is None:
        raise SystemExit(store.find("a0").alone)
    ids = torch.randint(1000, 20000, (count, 16))
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    batch["attention_mask"][:, -1] = 0
    names = [f"a{number}" for number in range(count)]
    ours, theirs = list[float](), list[float]()
    for _ in range(rounds):
        started = time.perf_counter()
        base.run(batch, [(number, number + 1, adapter) for number, adapter in enumerate(held)])
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        with torch.inference_mode(), base.precision():
            wrapped(**batch, adapter_names=names)
        theirs.append(time.perf_counter() - started)
    print(f"one batch of {count} adapters: ours {median(ours) * 1e3:.1f} ms, PEFT's {median(theirs) * 1e3:.1f} ms")


def swapped(folder: Path, count: int, rounds: int) -> None:
    """Print how long a cold adapter takes to be ready; only one of `count` is in memory at a time."""
    from pefbench.server.store import Store

    store, clock, processor = Store(1), list[float](), list[float]()
    served = [store.open(f"a{number}", folder / f"a{number}") for number in range(count)]
    for one in served * rounds:
        started, used = time.perf_counter(), time.process_time()
        store.hold(one)
        clock.append((time.perf_counter() - started) * 1e3)
        processor.append((time.process_time() - used) * 1e3)
        store.release(one)
    print(
        f"a cold adapter: {median(clock):.1f} ms (the slowest {max(clock):.1f}), of the processor "
        f"{median(processor):.1f} (the slowest {max(processor):.1f}), {len(clock)} times"
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", type=Path)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--adapters", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peft", action="store_true", help="time a batch beside PEFT's own")
    parser.add_argument("--processes", type=int, help="so many adapters in one server beside as many servers")
    parser.add_argument("--swap", action="store_true", help="time the loading of a cold adapter")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        adapters(parsed.trial, folder, 8 if parsed.swap else parsed.processes or max(parsed.adapters))
        size = (folder / "a0" / "adapter_model.safetensors").stat().st_size
        if parsed.swap:
            swapped(folder, 8, 8)
            return
        if parsed.peft:
            beside_peft(folder, max(parsed.adapters), 20)
            return
        if parsed.processes:
            beside_processes(folder, parsed.processes, parsed.seconds, parsed.rounds)
            return
        by_adapters(folder, parsed.adapters, parsed.seconds, parsed.rounds, size)


def by_adapters(folder: Path, counts: Sequence[int], seconds: int, rounds: int, size: int) -> None:
    """Print the table, and the memory that an adapter takes beside the size of its file."""
    found: dict[tuple[int, int], list[list[float]]] = {}
    most, script = max(counts), folder / "load.lua"
    with serving(folder, range(1)) as [(process, port)]:
        load(port, 1, 64, 2, script)
        one = process.memory_info().rss
        for number in range(1, most):
            opened(port, f"a{number}")
        many = process.memory_info().rss
        for _ in range(rounds):  # in turn, so that other work on the machine affects all equally
            for count in counts:
                for clients in (1, 64):
                    found.setdefault((count, clients), []).append(load(port, count, clients, seconds, script))
    print_table(found)
    grown = (many - one) / (most - 1)
    print(f"\nMemory: {one / 2**20:.0f} MiB with one adapter, {many / 2**20:.0f} MiB with {most}.")
    print(f"An adapter's file: {size:,} bytes. Memory for one more: {grown:,.0f}, {grown / size:.2f} times.")


def opened(port: int, name: str) -> None:
    """Make a server load an adapter."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/models",
        json.dumps({"model": name}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).close()


def beside_processes(folder: Path, count: int, seconds: int, rounds: int) -> None:
    """Print requests a second and memory of one server for all adapters, and of a server for each, alternating."""
    ours, theirs = list[float](), list[float]()
    with serving(folder, range(count), *([each] for each in range(count))) as [together, *alone]:
        with ThreadPoolExecutor(count) as pool:
            for _ in range(rounds + 1):
                ours.append(load(together[1], count, 8 * count, seconds, folder / "load.lua")[0])
                each = [
                    pool.submit(load, port, 1, 8, seconds, folder / f"load{number}.lua", number)
                    for number, (_, port) in enumerate(alone)
                ]
                theirs.append(sum(done.result()[0] for done in each))
        memory = [process.memory_info().rss / 2**20 for process, _ in (together, *alone)]
    del ours[0], theirs[0]  # the first round warms them up
    ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
    print(f"one server of {count} adapters: {median(ours):.0f} requests a second, {memory[0]:.0f} MiB")
    print(
        f"{count} servers of one: {median(theirs):.0f} requests a second, {sum(memory[1:]):.0f} MiB; {ratio:.2f} times"
    )


def print_table(found: dict[tuple[int, int], list[list[float]]]) -> None:
    """Print medians over rounds, and the median ratio of each round's rate to that of one adapter with 64 clients."""
    print(
        "| Adapters | Clients | Requests a second | p50 ms | p95 ms | p99 ms | Failed | Beside 1 adapter, 64 clients |"
    )
    print("|---|---|---|---|---|---|---|---|")
    few = min(count for count, _ in found)
    for (count, clients), rounds in found.items():
        rate, _, *percentiles = (median(column) for column in zip(*rounds, strict=True))
        beside = median(one[0] / other[0] for one, other in zip(rounds, found[few, 64], strict=True) if other[0])
        shown = " | ".join(f"{each:.0f}" for each in percentiles)
        failed = sum(numbers[1] for numbers in rounds)
        print(f"| {count} | {clients} | {rate:.0f} | {shown} | {failed:.0f} | {beside:.2f} |")


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
