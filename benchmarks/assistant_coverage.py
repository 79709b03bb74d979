"""How much the assistant answers at a stated error rate, compared with BM25 alone and the intent model alone.

    python -m benchmarks.assistant_coverage banking77 FOLDER
    python -m benchmarks.assistant_coverage clinc150 FILE --out-of-scope-share 0.182

An answer is right if it belongs to the question's intent. The intent model is trained on the training split, the rule
is chosen on validation (Banking77 has none: a fifth of its training split), and everything is measured on test. The
share is the expected share of out-of-scope questions, 1,000 of 5,500 in CLINC150. With --frozen the intents come from a
logistic regression on the base model's embeddings, without an adapter: a weaker model, but trained in minutes. `-o`
changes a field of the adapter's recipe, such as train.max_examples=3000.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tabulate import tabulate

import pefbench
from pefbench.apps import training
from pefbench.apps.assistant import answering, choosing, held_out
from pefbench.apps.assistant.bounds import clopper_pearson
from pefbench.apps.assistant.held_out import Question
from pefbench.apps.assistant.knowledge import Entry
from pefbench.apps.assistant.retrieval import Found, Index
from pefbench.apps.sections import TrainingSection
from pefbench.inference import embedding
from pefbench.registry import find
from pefbench.sources import locate
from pefbench.sources.rows import Row
from pefbench.sources.splitting import split_by_hash
from pefbench.tasks._models import MINILM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Split = list[tuple[str, str]]

OUT = Path("results") / "assistant"
SETTINGS = ["train.epochs=5", "train.learning_rate=2e-3", "train.threads=1", "data.leaks=drop"]


def banking77(folder: Path) -> Mapping[str, Split]:
    """Texts with intents by split."""
    parts = {}
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open(encoding="utf8", newline="") as file:
            parts[name] = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    rows = [Row({"text": text, "label": label}, "", 0) for text, label in parts["train"]]
    halves = split_by_hash(rows, lambda row: str(row.values["text"]), {"train": 0.8, "validation": 0.2})
    split = {name: [(row.values["text"], row.values["label"]) for row in found] for name, found in halves.items()}
    return {**split, "test": parts["test"]}


def clinc150(file: Path) -> Mapping[str, Split]:
    """Texts with intents by split, including out-of-scope texts."""
    found = json.loads(file.read_text(encoding="utf8"))
    names = {"train": "train", "validation": "val", "test": "test"}
    return {ours: [tuple(each) for each in [*found[name], *found[f"oos_{name}"]]] for ours, name in names.items()}


def entries(split: Split) -> list[Entry]:
    """The training split as knowledge entries, whose answers are the names of intents."""
    return [Entry(text, label, label, "", text) for text, label in split if label != answering.OUT_OF_SCOPE]


def questions(split: Split) -> list[Question]:
    """A held-out split as questions."""
    return [
        Question(text, label, frozenset(() if label == answering.OUT_OF_SCOPE else (label,)), text)
        for text, label in split
    ]


def trained(name: str, data: Mapping[str, Split], changes: Sequence[str]) -> Any:
    """The intent model. changes: of its recipe."""
    rows = {part: [Row({"text": text, "label": label}, "", 0) for text, label in each] for part, each in data.items()}
    folder = OUT / name
    held_out.write(folder / "data", rows)
    parts = [f"data.{part}={part}.csv" for part in rows]
    overrides = [f"data.source=file:{folder / 'data'}", *parts, *SETTINGS, *changes]
    section = TrainingSection(recipe="intent", method="lora", trial=None, overrides=overrides)
    return pefbench.load(training.train("intents", section, folder))


class Frozen:
    """Intents by a logistic regression on the frozen base's embeddings, with the interface that the judge needs."""

    def __init__(self, split: Split) -> None:
        from sklearn.linear_model import LogisticRegression
        from transformers import AutoModel, AutoTokenizer

        folder = locate(MINILM)
        self._base = AutoModel.from_pretrained(folder).eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._method = find("method", "lora").model_validate({"name": "lora"})
        self._regression: Any = LogisticRegression(C=10, max_iter=200)
        self._regression.fit(self.embed([text for text, _ in split]), [label for _, label in split])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Each text's vector: (n, width)."""
        return embedding.embed(self._base, self._tokenizer, self._method, list(texts), 64)

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Each text's label, its score, and all probabilities."""
        names = self._regression.classes_.tolist()
        answers = []
        for chances in self._regression.predict_proba(self.embed(texts)).tolist():
            best = int(np.argmax(chances))
            probabilities = dict(zip(names, chances, strict=True))
            answers.append({"label": names[best], "score": chances[best], "probabilities": probabilities})
        return answers


class Words:
    """BM25 alone: the score of its best entry is the only feature."""

    def judge(self, index: Index, texts: Sequence[str]) -> list[answering.Judged]:
        """Each text with its best entry."""
        found = []
        for text in texts:
            scores = index.words(text)
            best = int(scores.argmax())
            candidate = Found(index.entries[best], 0.0, 0.0, float(scores[best]))
            found.append(answering.Judged("", [candidate], np.log1p(np.array([[float(scores[best])]]))))
        return found


def at_half(model: Any, asked: Sequence[Question]) -> tuple[int, int]:
    """How many the intent model alone answers, from a probability of .5 on, and how many of these are wrong."""
    answered = wrong = 0
    for question, found in zip(asked, model.predict([each.text for each in asked]), strict=True):
        if found["label"] != answering.OUT_OF_SCOPE and found["score"] >= 0.5:
            answered += 1
            wrong += found["label"] not in question.answers
    return answered, wrong


def main() -> None:
    """Print the table of one data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=("banking77", "clinc150"))
    parser.add_argument("place", type=Path)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--risk", type=float, default=0.05)
    parser.add_argument("--out-of-scope-share", type=float, help="a second rule states this share")
    parser.add_argument("--frozen", action="store_true", help="no adapter: a regression on frozen embeddings")
    parser.add_argument("-o", "--override", action="append", default=[], metavar="FIELD=VALUE")
    parsed = parser.parse_args()
    data = {"banking77": banking77, "clinc150": clinc150}[parsed.data](parsed.place)
    model: Any = Frozen(data["train"]) if parsed.frozen else trained(parsed.data, data, parsed.override)
    index = Index(entries(data["train"]), model.embed)
    validation, test = questions(data["validation"]), questions(data["test"])
    rows = []
    judge = answering.Judge(model, None)
    stated = parsed.out_of_scope_share
    rules: list[tuple[str, Any, float | None]] = [("assistant", judge, None), ("BM25 alone", Words(), None)]
    rules += [] if stated is None else [(f"assistant, {stated:.1%} out of scope stated", judge, stated)]
    for name, each, share in rules:
        chosen = choosing.choose(each, index, validation, parsed.rate, parsed.risk, share)
        measured = choosing.measure(each, index, test, chosen)
        rows.append(row(name, measured["answered"], measured["wrong"], len(test)))
        print(f"{name}: {measured['let_through']:,} of {measured['outside']:,} questions out of scope answered")
    rows.append(row("intent model from .5", *at_half(model, test), len(test)))
    print(tabulate(rows, ("", "answered", "wrong among answers", "95 % interval"), tablefmt="github"))


def row(name: str, answered: int, wrong: int, asked: int) -> tuple[str, ...]:
    """One line of the table."""
    low, high = clopper_pearson(wrong, answered)
    share = f"{wrong / answered:.1%}" if answered else "-"
    return name, f"{answered / asked:.1%} of {asked:,}", share, f"[{low:.1%}, {high:.1%}]"


if __name__ == "__main__":
    main()
