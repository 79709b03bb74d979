"""Generating texts for several adapters together in a server's engine, compared with one text at a time.

    python -m benchmarks.serving_texts results/lora_summarization/ID [--adapters 1 8] [--texts 16] [--rounds 5]
                                                                     [--tokens 24] [--processor-seconds]

The trial's adapter is copied with different weights, once per adapter. Each round generates the same texts, assigned to
the adapters in turn, once one after the other and once all together. The rate is generated tokens per second, including
the end token; the time includes reading the prompts.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _table
from benchmarks.serving_load import adapters
from pefbench.recipe import load_resolved
from pefbench.server.engine import Engine
from pefbench.server.store import Store
from pefbench.trial import corpus
from pefbench.trial.saved import read_trial

if TYPE_CHECKING:
    from pefbench.server.work import Job


def main() -> None:
    """Time both ways in turns, print the table and put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", type=Path)
    parser.add_argument("--adapters", type=int, nargs="+", default=[1, 8])
    for name, default in (("texts", 16), ("rounds", 5), ("tokens", 24)):
        parser.add_argument(f"--{name}", type=int, default=default)
    _table.add_clock(parser)
    parsed = parser.parse_args()
    recipe = load_resolved(read_trial(parsed.trial)["recipe"])
    prompts = [example.prompt for example in corpus.load(recipe).dataset.splits["test"][: parsed.texts]]
    with tempfile.TemporaryDirectory() as folder:
        adapters(parsed.trial, Path(folder), max(parsed.adapters))
        store = Store(max(parsed.adapters))
        for number in range(max(parsed.adapters)):
            store.open(f"a{number}", Path(folder) / f"a{number}")
        rows = [row(store, count, prompts, parsed) for count in parsed.adapters]
    chosen = " ".join(map(str, parsed.adapters))
    command = f"python -m benchmarks.serving_texts TRIAL --adapters {chosen} --texts {parsed.texts}"
    command += f" --rounds {parsed.rounds} --tokens {parsed.tokens}{_table.option(parsed)}"
    header = ["Adapters", "Texts at once", "Tokens a second, together / one at a time", "Texts the same"]
    _table.write("texts of adapters", header, rows, command)


def row(store: Store, count: int, prompts: list[str], parsed: Any) -> list[str]:
    """The ratio for `count` adapters."""
    engine, clock, ratios, same = Engine(store, 10_000), _table.clock(parsed), list[float](), 0

    def jobs() -> list[Job]:
        served = [store.find(f"a{number % count}") for number in range(len(prompts))]
        queries = [
            each.model.query(text, max_new_tokens=parsed.tokens) for each, text in zip(served, prompts, strict=True)
        ]
        return [engine.prepare(each, query) for each, query in zip(served, queries, strict=True)]

    def rate(*, together: bool) -> tuple[float, list[str]]:
        given, started = jobs(), clock()
        for job in given:
            engine.submit([job])
            if not together:
                job.answer.result()
        answers = [job.answer.result() for job in given]
        return sum(each["tokens"] for each in answers) / (clock() - started), [each["text"] for each in answers]

    for number in range(parsed.rounds + 1):
        found = {together: rate(together=together) for together in ((True, False) if number % 2 else (False, True))}
        if number:  # the first is a warm-up
            ratios.append(found[True][0] / found[False][0])
            same = sum(one == other for one, other in zip(found[True][1], found[False][1], strict=True))
    engine.stop(60)
    return [str(count), str(len(prompts)), _table.spread(ratios), f"{same} of {len(prompts)}"]


if __name__ == "__main__":
    main()
