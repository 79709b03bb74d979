"""The same LoRA job with pefbench and with transformers' Trainer + PEFT, as a user would write it; alternating.

    python benchmarks/against_trainer.py [--repeats 3] [--epochs 10] [--batch-size 32] [--precision fp32 bf16]

Same model, data, splits, batch size, epochs, learning rate, schedule, precision, threads and scoring. Every run is a
process of its own. Printed are sentences a second in training, whole-process seconds, their ratios pair by pair, and
both test F1s. pefbench's process also predicts the validation split and loads its adapter again in a fresh process;
the Trainer's does neither.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pefbench.paths import PROJECT
from pefbench.recipe import Recipe, load_recipe

ROOT = PROJECT
RECIPE = ROOT / "recipes" / "lora_ner.yaml"
PRECISIONS = ("fp32", "bf16")
WARM_UP = 0.1
"""Epochs of the pair that is not counted."""


def main() -> None:
    """Alternate the two and print the table; with --child, be one of them and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="pairs of runs for each precision")
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--child", choices=["trainer", "pefbench"], help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.child:
        settings = {"epochs": parsed.epochs, "batch_size": parsed.batch_size, "precision": parsed.precision[0]}
        recipe = load_recipe(RECIPE, [f"train.{name}={value}" for name, value in settings.items()])
        print(json.dumps({"trainer": trainer, "pefbench": pefbench}[parsed.child](recipe)))
        return
    for precision in parsed.precision:
        compare(parsed.epochs, parsed.batch_size, precision, parsed.repeats)


def compare(epochs: float, batch_size: int, precision: str, repeats: int) -> None:
    """Run pairs, after a short one that fills the caches and does not count, and print them."""
    for name in ("pefbench", "trainer"):
        child(name, WARM_UP, batch_size, precision)
    pairs = [
        (child("pefbench", epochs, batch_size, precision), child("trainer", epochs, batch_size, precision))
        for _ in range(repeats)
    ]
    print(f"\n{precision}: LoRA NER, {epochs:g} epochs, batch size {batch_size}, {repeats} pairs after a warm-up")
    print(f"{'':10}{'train s':>10}{'sentences/s':>13}{'process s':>11}{'entity F1 [95 %]':>24}")
    for ours, theirs in pairs:
        for name, run in (("pefbench", ours), ("Trainer", theirs)):
            interval = f"{run['f1']:.3f} [{run['low']:.3f}, {run['high']:.3f}]"
            rate = run["sentences"] / run["train"]
            print(f"{name:10}{run['train']:10.1f}{rate:13.1f}{run['process']:11.1f}{interval:>24}")
    for what in ("train", "process"):
        ratios = [theirs[what] / ours[what] for ours, theirs in pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"pefbench is {statistics.median(ratios):.2f}x as fast ({what}; {spread})")


def child(name: str, epochs: float, batch_size: int, precision: str) -> dict[str, Any]:
    """Run one of the two in a process of its own."""
    started = time.perf_counter()
    settings = ["--epochs", str(epochs), "--batch-size", str(batch_size), "--precision", precision]
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, *settings],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | {"process": time.perf_counter() - started}


def pefbench(recipe: Recipe) -> dict[str, float]:
    """Run the recipe as `pefbench run` does."""
    from pefbench.results.store import read_result
    from pefbench.trial.run import run

    with tempfile.TemporaryDirectory() as out:
        result = read_result(run(recipe, Path(out)))
    f1 = result["metrics"]["test"]["entity_f1"]
    sentences = result["data"]["splits"]["train"]["examples"] * recipe.train.epochs
    return figures(sentences, result["phases"]["train"]["seconds"], dict(f1))


def trainer(recipe: Recipe) -> dict[str, float]:
    """Write the same job with the stock tools: tokenized datasets, a collator, TrainingArguments, Trainer."""
    import numpy as np
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

    data = corpus.load(recipe).dataset
    base = folders.folder(recipe.model)
    labels = data.head(loading.load_config(base, recipe.model)).labels  # type: ignore[attr-defined]
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

    rows = {
        split: Dataset.from_list([{"tokens": list(row.tokens), "tags": list(row.tags)} for row in data.splits[split]])
        for split in ("train", "test")
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
    with tempfile.TemporaryDirectory() as out:
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
            ),
            data_collator=DataCollatorForTokenClassification(tokenizer),
            train_dataset=encoded["train"],
        )
        seconds = run.train().metrics["train_runtime"]
        output = run.predict(encoded["test"])
    best = np.asarray(output.predictions).argmax(-1)
    kept = np.asarray(output.label_ids) != -100
    predictions = [
        pad([labels[i] for i in row[mask]], len(tags))
        for row, mask, tags in zip(best, kept, rows["test"]["tags"], strict=True)
    ]
    return figures(len(encoded["train"]) * settings.epochs, seconds, score(predictions, list(rows["test"]["tags"])))


def pad(tags: list[str], words: int) -> list[str]:
    """One tag a word; words that were cut are outside."""
    return tags + ["O"] * (words - len(tags))


def score(predictions: list[list[str]], references: list[list[str]]) -> dict[str, Any]:
    """Score as pefbench does."""
    from pefbench import metrics
    from pefbench.metrics.entity_f1 import METRIC

    return dict(metrics.score(METRIC(), predictions, references)["entity_f1"])


def figures(sentences: float, train: float, f1: dict[str, Any]) -> dict[str, float]:
    """What one run reports."""
    return {"sentences": sentences, "train": train, "f1": f1["value"], "low": f1["low"], "high": f1["high"]}


if __name__ == "__main__":
    main()
