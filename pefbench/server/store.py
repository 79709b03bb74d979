"""The served models, by name, and their weights in memory.

Opening a model checks its files and makes its head. Weights are loaded from disk when they are needed; the least
recently used ones leave memory first.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock, RLock
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from torch import nn

from pefbench import hardware
from pefbench.errors import DataError, suggest
from pefbench.inference import loading
from pefbench.inference.model import Model
from pefbench.models.loading import count_positions
from pefbench.server import base as bases
from pefbench.server import reading
from pefbench.server.heads import Own, Shell
from pefbench.server.mixing.part import Unmixed
from pefbench.trial import build
from pefbench.trial.adapters import joined_fingerprint
from pefbench.trial.cache import Shared
from pefbench.trial.saved import ABOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from pefbench.server.base import Base
    from pefbench.trial.prepare import Ready


@dataclass(eq=False)
class Served:
    """A served model.

    model: reads inputs and forms answers; it holds no weights. shell, base: run the batches that it shares; None if it
    cannot share batches, and `alone` says why. limit: the most tokens, including padding, that it has positions for.
    about: identifies the trial that its folder held when it was opened; weights loaded later must belong to it.
    """

    name: str
    folder: Path
    model: Model
    limit: int
    shell: Shell | Own | None = None
    base: Base | None = None
    alone: str = ""
    about: bytes = b""
    opened: int = field(default_factory=lambda: int(time()))

    @property
    def generates(self) -> bool:
        """Whether its answers are generated texts."""
        return self.model.generates


class UnknownModelError(DataError):
    """No served model has this name."""


class Store:
    """Served models by name, and their weights.

    keep: how many idle models may have their weights in memory. address: where to find the base instead of the trial's
    own address. still: held while a model is made or computes, because libraries change global state when making one.
    """

    def __init__(self, keep: int, address: str | None = None) -> None:
        self.keep, self.address = keep, address
        self.loaded: Callable[[float], None] = lambda _seconds: None  # called with the seconds of each load
        self._served: dict[str, Served] = {}
        self._weights: OrderedDict[Served, Any] = OrderedDict()
        self._pins: dict[Served, int] = {}
        self.still = RLock()
        self._lock, self._disk = RLock(), Lock()
        self._shared = Shared()
        self._bases: dict[Hashable, Base] = {}
        self._shells: dict[Hashable, Shell] = {}
        self._tokenizers: dict[str, Any] = {}  # transformers' tokenizers have no common type

    def names(self) -> list[str]:
        """The names of the served models, in the order in which they were opened."""
        with self._lock:
            return list(self._served)

    def find(self, name: str) -> Served:
        """The model of this name. Raises UnknownModelError if there is none."""
        with self._lock:
            if name not in self._served:
                raise UnknownModelError(f"no model {name[:100]!r} is served; {suggest(name[:100], self._served)}")
            return self._served[name]

    def resident(self) -> list[str]:
        """The names of the models whose weights are in memory."""
        with self._lock:
            return [served.name for served in self._weights]

    def open(self, name: str, trial: Path) -> Served:
        """Serve the trial in a folder under this name; a model that has the name already stays. Raises a UserError."""
        with self._disk:
            with self._lock:
                if name in self._served:
                    return self._served[name]
            with self.still:
                served = self._opened(name, trial)
            self._give(served)
            with self._lock:
                self._served[name] = served
            hardware.give_back_memory()  # a tokenizer that was read and dropped is larger than an adapter
            return served

    def close(self, name: str) -> None:
        """Stop serving a model; jobs already accepted are still answered. Raises UnknownModelError."""
        with self._lock:
            served = self.find(name)
            del self._served[name]
            self._weights.pop(served, None)

    def hold(self, served: Served) -> Any:
        """A model's weights, in memory until `release`: its Adapter, or its whole Model if it cannot share batches."""
        with self._lock:
            self._pins[served] = self._pins.get(served, 0) + 1
            if served in self._weights:
                self._weights.move_to_end(served)
                return self._weights[served]
        try:
            return self._give(served)
        except BaseException:
            self.release(served)
            raise

    def release(self, served: Served) -> None:
        """Undo a `hold`."""
        with self._lock:
            self._pins[served] -= 1
            if not self._pins[served]:
                del self._pins[served]
            self._forget()

    def _give(self, served: Served) -> Any:
        """Load a model's weights from disk. Raises DataError."""
        started = perf_counter()
        if _about(served.folder) != served.about:
            raise DataError(f"{served.name}: its folder holds another trial by now; unload it, and load it again")
        if served.shell is not None and served.base is not None:
            weights: Any = reading.read(served.folder, served.shell, served.base)
        else:
            with self.still:
                weights = loading.load(served.folder, self.address)
        self.loaded(perf_counter() - started)
        with self._lock:
            weights = self._weights.setdefault(served, weights)
            self._weights.move_to_end(served)
            self._forget()
        return weights

    def _forget(self) -> None:
        """Drop the least recently used idle weights until at most `keep` are left."""
        for served in list(self._weights):
            if len(self._weights) <= self.keep:
                break
            if served not in self._pins:
                del self._weights[served]

    def _opened(self, name: str, trial: Path) -> Served:
        opened = loading.opened(trial, self.address, self._shared)
        ready = dataclasses.replace(opened.ready, tokenizer=self._tokenizer(opened.ready.tokenizer))
        positions = count_positions(ready.checkpoint, ready.tokenizer) - ready.recipe.method.virtual_tokens()
        limit = max(positions, ready.recipe.train.max_length)
        shell, base, alone = None, None, ""
        try:
            reading.check(opened.weights, opened.head, ready.config)
            base = self._base(ready)
            shell = Own(ready.config, base) if opened.head.generates else self._shell(ready, opened.head, base)
            reading.read(opened.weights, shell, base)
            ready = dataclasses.replace(ready, config=shell.config)
        except Unmixed as reason:
            shell, base, alone = None, None, str(reason)
        model = Model(ready, opened.head, opened.kind, nn.Identity())
        return Served(name, opened.weights, model, limit, shell, base, alone, about=_about(opened.weights))

    def _base(self, ready: Ready) -> Base:
        """A trial's base, shared by all trials on the same weights in the same precision."""
        stated = [adapter.stated() for adapter in ready.adapters]
        key = (
            joined_fingerprint(self._shared.fingerprint(ready.base), stated),
            ready.recipe.train.precision,
            ready.recipe.model.quantize,
            build.attention(ready),
            ready.config.model_type,
            getattr(ready.config, "attention_type", None),
            ready.head.generates,  # generation has its own thread and therefore its own base
        )
        if key not in self._bases:
            self._bases[key] = bases.load(ready)
        return self._bases[key]

    def _shell(self, ready: Ready, head: Any, base: Base) -> Shell:
        key = (id(base), Shell.key(ready.config, head))
        if key not in self._shells:
            self._shells[key] = Shell(ready.config, head, base)
        return self._shells[key]

    def _tokenizer(self, tokenizer: Any) -> Any:
        """One shared tokenizer instead of equal copies: each is many times larger than an adapter."""
        if not tokenizer.is_fast:
            return tokenizer
        backend, where = tokenizer.backend_tokenizer.to_str(), repr(tokenizer.name_or_path)
        text = f"{backend} {repr(tokenizer).replace(where, '')} {type(tokenizer)} {tokenizer.chat_template}"
        return self._tokenizers.setdefault(hashlib.sha256(text.encode()).hexdigest(), tokenizer)


def _about(folder: Path) -> bytes:
    file = folder / ABOUT
    return file.read_bytes() if file.is_file() else b""
