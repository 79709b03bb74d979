"""The same LoRA job with pefbench and with transformers' Trainer + PEFT, alternating, each run in its own process.

    python -m benchmarks.against_trainer [--repeats 5] [--epochs 2] [--batch-size 32] [--sides auto best ...]
                                         [--together] [--warmed] [--processor-seconds]

The sides take turns. `auto` and `fp32` are pefbench in these precisions. `bare` is `auto` without validation and round
trip, which the Trainer does not have. `stock` is the Trainer as in the tutorial, in fp32, with batches padded to their
longest text. `best` is the Trainer at its best (bf16, texts of similar length together, fused AdamW), and `best fp32`
the same in fp32. Model, data, splits, batch size, epochs, learning rate, schedule, threads and scoring are the same.
The ratios are of sentences per second in training, and of whole processes from start to result. On a shared machine,
`--together` starts the sides of a round at once, which is only valid with processor seconds. `--warmed` leaves out the
round that fills the caches.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _table
from pefbench.paths import PROJECT, child_environment
from pefbench.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = PROJECT
RECIPE = ROOT / "recipes" / "lora_ner.yaml"
SIDES = ("auto", "fp32", "bare", "stock", "best", "best fp32")
RATIOS: tuple[tuple[str, str, str, dict[int, float]], ...] = (
    ("train", "fp32", "stock", {32: 3.5, 8: 2.5}),
    ("train", "auto", "stock", {32: 5.0}),
    ("train", "auto", "best", {32: 1.6, 8: 1.5}),
    ("train", "fp32", "best fp32", {32: 1.6}),
    ("process", "bare", "best", {32: 1.2}),
    ("process", "auto", "best", {32: 1.0}),
)
"""What is timed, our side, their side, and batch size -> how many times as fast ours should be."""
PRECISION = {"stock": "fp32", "best": "bf16", "best fp32": "fp32", "bare": "auto"}
WARM_UP = 0.1
"""Epochs of the round that is not counted."""


def main() -> None:
    """Alternate the sides and print the table; with --child, run one side and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--warmed", action="store_true")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    _table.add_clock(parser)
    parsed = parser.parse_args()
    if parsed.together and not parsed.processor_seconds:
        parser.error("--together needs --processor-seconds")
    if parsed.child:
        print(json.dumps(one_side(parsed)))
        return
    found = measure(parsed)
    rows = []
    for what, ours, theirs, goals in RATIOS:
        if ours in parsed.sides and theirs in parsed.sides:
            ratios = [their[what] / our[what] for our, their in zip(found[ours], found[theirs], strict=True)]
            scores = " / ".join(f"{statistics.median(run['f1'] for run in found[side]):.3f}" for side in (ours, theirs))
            goal = goals.get(parsed.batch_size)
            rows.append([what, ours, theirs, _table.spread(ratios), scores, f"{goal:g}" if goal else ""])
    command = f"python -m benchmarks.against_trainer --repeats {parsed.repeats} --epochs {parsed.epochs:g}"
    command += f" --batch-size {parsed.batch_size}" + (
        f" --sides {' '.join(map(repr, parsed.sides))}" if parsed.sides != SIDES else ""
    )
    command += (" --together" if parsed.together else "") + _table.option(parsed)
    header = ["Seconds of", "pefbench", "Trainer", "Times as fast", "Entity F1", "Goal"]
    _table.write(f"trainer {parsed.batch_size}", header, rows, command)


def one_side(parsed: argparse.Namespace) -> dict[str, float]:
    """The figures of this process's side."""
    side, clock = parsed.child, _table.clock(parsed)
    settings = {"epochs": parsed.epochs, "batch_size": parsed.batch_size, "precision": PRECISION.get(side, side)}
    settings |= {"threads": 1} if parsed.processor_seconds else {}
    settings |= {"evaluate": "none"} if side == "bare" else {}
    recipe = load_recipe(RECIPE, [f"train.{name}={value}" for name, value in settings.items()])
    if side in ("auto", "fp32", "bare"):
        return pefbench(recipe, bare=side == "bare", processor=parsed.processor_seconds)
    return trainer(recipe, best=side != "stock", clock=clock)


def measure(parsed: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """The figures of each side, round by round, after a short uncounted round that fills the caches."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in parsed.sides}
    with ThreadPoolExecutor(len(parsed.sides) if parsed.together else 1) as pool:
        for repeat in range(int(parsed.warmed), parsed.repeats + 1):
            sides = sorted(parsed.sides, reverse=bool(repeat % 2))
            epochs = parsed.epochs if repeat else WARM_UP
            for side, run in zip(sides, pool.map(lambda side: child(side, parsed, epochs), sides), strict=True):  # noqa: B023
                if repeat:
                    found[side].append(run)
                    told = f"{side}: train {run['train']:.1f} s, process {run['process']:.1f} s"
                    print(told, file=sys.stderr, flush=True)
    return found


def child(side: str, parsed: argparse.Namespace, epochs: float) -> dict[str, Any]:
    """Run one side in a process of its own."""
    started = time.perf_counter()
    settings = ["--epochs", str(epochs), "--batch-size", str(parsed.batch_size), *_table.option(parsed).split()]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.against_trainer", "--child", side, *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT,
        env=child_environment(),
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)  # includes processes that it started and waited for
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{side}: exit status {process.returncode}")
    figures: dict[str, Any] = json.loads(printed.splitlines()[-1])
    seconds = used.ru_utime + used.ru_stime if parsed.processor_seconds else time.perf_counter() - started
    return figures | {"process": seconds}


def pefbench(recipe: Recipe, *, bare: bool, processor: bool) -> dict[str, float]:
    """Run the recipe as `pefbench run` does. bare: only train and score test."""
    from pefbench.results.store import read_result
    from pefbench.trial import forked_check, round_trip
    from pefbench.trial.run import run

    forked_check.start()  # as the command does
    scored = ["validation", "test"]
    if bare:
        scored.remove("validation")
        vars(round_trip)["check_in_fresh_process"] = lambda _, **__: {"reproduced": True, "examples": 0, "seconds": 0.0}
    with tempfile.TemporaryDirectory() as out:
        result = read_result(run(recipe, Path(out), scored=scored))
    while forked_check._waiting:
        forked_check._waiting.pop().close()
        os.wait()  # so that its processor seconds count
    f1 = result["metrics"]["test"]["entity_f1"]
    sentences = result["data"]["splits"]["train"]["examples"] * recipe.train.epochs
    train = result["phases"]["train"]
    return figures(sentences, train["processor_seconds"] if processor else train["seconds"], dict(f1))


@dataclass(frozen=True)
class Job:
    """The same job with the stock tools: tokenized datasets, a collator, TrainingArguments, Trainer."""

    run: Any
    encoded: dict[str, Any]
    rows: dict[str, Any]
    labels: Sequence[str]


def make_job(recipe: Recipe, out: str, *, best: bool) -> Job:
    """Make the job on the recipe's data; `train.max_examples` leaves out the same examples.

    best: use the faster options, texts of similar length together and a fused optimizer. out: a folder.
    """
    import torch
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
    )

    from pefbench.models import folders, loading
    from pefbench.trial import corpus
    from pefbench.trial.subset import subset

    data = corpus.load(recipe).dataset
    base = folders.folder(recipe.model)
    labels = data.head(loading.load_config(base, recipe.model)).labels
    tokenizer = AutoTokenizer.from_pretrained(base)

    def tokenize(row: dict[str, Any]) -> dict[str, Any]:
        encoded = tokenizer(
            row["tokens"], is_split_into_words=True, truncation=True, max_length=recipe.train.max_length
        )
        words = encoded.word_ids()
        encoded["labels"] = [
            -100 if word is None or word == before else labels.index(row["tags"][word])
            for word, before in zip(words, [None, *words[:-1]], strict=True)
        ]
        return dict(encoded)

    examples = {
        "train": subset(data.splits["train"], recipe.train.max_examples, recipe.data.seed or 0),
        "test": data.splits["test"],
    }
    rows = {
        split: Dataset.from_list([{"tokens": list(row.tokens), "tags": list(row.tags)} for row in chosen])
        for split, chosen in examples.items()
    }
    encoded = {split: table.map(tokenize, remove_columns=["tokens", "tags"]) for split, table in rows.items()}
    model = AutoModelForTokenClassification.from_pretrained(base, id2label=dict(enumerate(labels)))
    options = recipe.method
    config = LoraConfig(
        task_type="TOKEN_CLS",
        r=options.rank,  # type: ignore[attr-defined]
        lora_alpha=options.alpha,  # type: ignore[attr-defined]
        target_modules=r".*encoder.*\.(query|key|value|dense)",
    )
    settings = recipe.train
    run = Trainer(
        model=get_peft_model(model, config),
        args=TrainingArguments(
            output_dir=out,
            per_device_train_batch_size=settings.batch_size,
            per_device_eval_batch_size=recipe.evaluate.batch_size,
            num_train_epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            lr_scheduler_type=settings.schedule,
            warmup_steps=settings.warmup,  # a fraction, below one
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.max_grad_norm,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            bf16=settings.precision == "bf16",
            optim="adamw_torch_fused" if best else "adamw_torch",
            train_sampling_strategy="group_by_length" if best else "random",
        ),
        data_collator=DataCollatorForTokenClassification(tokenizer),
        train_dataset=encoded["train"],
    )
    return Job(run, encoded, rows, labels)


def trainer(recipe: Recipe, *, best: bool, clock: Callable[[], float]) -> dict[str, float]:
    """Run the same job with the stock tools."""
    import numpy as np

    with tempfile.TemporaryDirectory() as out:
        job = make_job(recipe, out, best=best)
        started = clock()
        known = job.run.train().metrics["train_runtime"]
        seconds = clock() - started if clock is time.process_time else known
        job.run.args.train_sampling_strategy = "random"  # otherwise the test split would be reordered
        output = job.run.predict(job.encoded["test"])
    likeliest = np.asarray(output.predictions).argmax(-1)
    kept = np.asarray(output.label_ids) != -100
    tagged = list(job.rows["test"]["tags"])
    predictions = [
        pad([job.labels[i] for i in row[mask]], len(tags))
        for row, mask, tags in zip(likeliest, kept, tagged, strict=True)
    ]
    return figures(len(job.encoded["train"]) * recipe.train.epochs, seconds, score(predictions, tagged))


def pad(tags: list[str], words: int) -> list[str]:
    """One tag per word; truncated words are outside."""
    return tags + ["O"] * (words - len(tags))


def score(predictions: list[list[str]], references: list[list[str]]) -> dict[str, Any]:
    """Score as pefbench does."""
    from pefbench import metrics
    from pefbench.metrics.entity_f1 import METRIC

    return dict(metrics.score(METRIC(), predictions, references)["entity_f1"])


def figures(sentences: float, train: float, f1: dict[str, Any]) -> dict[str, float]:
    """The figures that one run reports."""
    return {"sentences": sentences, "train": train, "f1": f1["value"], "low": f1["low"], "high": f1["high"]}


if __name__ == "__main__":
    main()
