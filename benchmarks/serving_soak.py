"""Whether `pefbench serve` loses or mixes up answers under many requests, while adapters change and clients disconnect.

    python -m benchmarks.serving_soak results/lora_topic/ID [--requests 50000]

The trial's adapter is copied with different weights. First each copy answers each text alone; every later answer must
equal these, to the last bit. Then clients send requests to all copies at once. Meanwhile copies are unloaded and loaded
again over HTTP, not all fit in memory, and some clients close their connection before the answer. A request to an
unloaded model gets 404 and is repeated. The longest time without any answer is printed with the processor seconds that
the server used in it, because on a busy machine it may get none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from benchmarks.serving_load import TEXT, adapters

BREAKS_OFF = 0.02
"""The share of requests whose client does not wait for the answer."""
UNKNOWN = 404


class Connection:
    """A client's connection, kept open from one request to the next."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, waits: bool = True) -> Any:
        """Status and answer; None if the client does not wait for it."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()
        if not waits:
            await asyncio.sleep(random.random() * 0.02)
            self.close()
            return None
        status = int((await reader.readline()).split()[1])
        length = 0
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, json.loads(await reader.readexactly(length))

    def close(self) -> None:
        """Break off."""
        if self._streams:
            self._streams[1].close()
        self._streams = None


class Soak:
    """The requests and their outcomes."""

    def __init__(self, port: int, process: psutil.Process, expected: dict[tuple[str, str], Any], requests: int) -> None:
        self.port, self.process, self.expected, self.left = port, process, expected, requests
        self.counts: Counter[str] = Counter()
        self.longest = (0.0, 0.0)
        self._last = (time.perf_counter(), self._used())

    def _used(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def _answered(self) -> None:
        now = (time.perf_counter(), self._used())
        gap = (now[0] - self._last[0], now[1] - self._last[1])
        self.longest, self._last = max(self.longest, gap), now

    async def client(self) -> None:
        """Send requests until all are sent."""
        connection, keys = Connection(self.port), list(self.expected)
        while self.left > 0:
            self.left -= 1
            model, text = key = random.choice(keys)
            body = {"model": model, "inputs": text}
            if random.random() < BREAKS_OFF:
                await connection.ask("POST", "/v1/predict", body, waits=False)
                self.counts["broken off"] += 1
                continue
            try:
                while True:
                    status, answer = await connection.ask("POST", "/v1/predict", body)
                    if status != UNKNOWN:
                        break
                    self.counts["not served just then"] += 1
                    await asyncio.sleep(0.005)
            except (OSError, ValueError, IndexError, asyncio.IncompleteReadError):
                self.counts["LOST"] += 1
                connection.close()
                continue
            self._answered()
            if status != 200:
                self.counts[f"STATUS {status}"] += 1
            else:
                self.counts["answered" if answer["answers"] == self.expected[key] else "WRONG"] += 1
        connection.close()

    async def churn(self, names: list[str]) -> None:
        """Unload a model and load it again, repeatedly."""
        connection = Connection(self.port)
        while self.left > 0:
            name = random.choice(names)
            for method, path, body in (("DELETE", f"/v1/models/{name}", None), ("POST", "/v1/models", {"model": name})):
                status, said = await connection.ask(method, path, body)
                self.counts["loaded or unloaded" if status == 200 else f"STATUS {status} {said}"] += 1
                await asyncio.sleep(0.05)
        connection.close()


async def soaked(port: int, pid: int, names: list[str], texts: list[str], requests: int, clients: int) -> Soak:
    """Ask each model alone, then all at once."""
    connection = Connection(port)
    for name in names:
        await connection.ask("POST", "/v1/models", {"model": name})
    expected = {}
    for name in names:
        for text in texts:
            _, answer = await connection.ask("POST", "/v1/predict", {"model": name, "inputs": text})
            expected[name, text] = answer["answers"]
    soak = Soak(port, psutil.Process(pid), expected, requests)
    await asyncio.gather(*(soak.client() for _ in range(clients)), soak.churn(names))
    return soak


def main() -> None:
    """Run the soak test and print its outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", type=Path)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--adapters", type=int, default=16)
    parser.add_argument("--clients", type=int, default=32)
    parsed = parser.parse_args()
    random.seed(0)
    words = TEXT.split()
    texts = [" ".join(random.choices(words, k=random.randint(1, 30))) for _ in range(12)]
    names = [f"a{number}" for number in range(parsed.adapters)]
    with tempfile.TemporaryDirectory() as made, socket.socket() as free:
        adapters(parsed.trial, Path(made), parsed.adapters)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        options = ["--models", made, "--port", str(port), "--keep", str(parsed.adapters * 3 // 4)]
        process = subprocess.Popen([sys.executable, "-m", "pefbench", "serve", *options], stdout=subprocess.DEVNULL)
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=60).close()
                    break
                except OSError:
                    time.sleep(0.2)
            began = time.perf_counter()
            soak = asyncio.run(soaked(port, process.pid, names, texts, parsed.requests, parsed.clients))
            seconds = time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            ended = process.wait(60)
    for what, count in sorted(soak.counts.items()):
        print(f"{what}: {count:,}")
    print(f"{seconds:.0f} s, exit {ended}; different answers: {len({json.dumps(a) for a in soak.expected.values()})}")
    print(f"longest without an answer: {soak.longest[0]:.2f} s, in which the server computed {soak.longest[1]:.2f} s")


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
