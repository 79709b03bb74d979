"""The results file of lm-evaluation-harness, ``results_<date>.json``: a task's scores and what was evaluated how."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.foreign.reading import JsonObject, count, number, section, short_digest, text
from pefbench.foreign.samples import NO_FILTER

if TYPE_CHECKING:
    from pathlib import Path

_DATED = re.compile(r"_(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)(\.\d+)?$")
"""How the harness ends the stem of a file's name: the local time, in ISO 8601 with dashes."""
_STDERR = "_stderr"
_NO_SCORE = frozenset({"sample_len", "bypass"})
HIGHER = {
    **dict.fromkeys(
        ["acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em", "f1", "mcc", "bleu"], True
    ),
    **dict.fromkeys(["chrf", "rouge1", "rouge2", "rougeL", "rougeLsum"], True),
    **dict.fromkeys(["perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "ppl"], False),
    **dict.fromkeys(["ter", "wer"], False),
    "brier_score": False,
}
"""Whether higher is better, for results that do not say (before 0.4.3, or without a results file)."""

Key = tuple[str, str]
"""A metric and a filter."""


@dataclass(frozen=True)
class Aggregated:
    """A results file. path: where it lies. value: its JSON."""

    path: Path
    value: JsonObject

    @property
    def tasks(self) -> list[str]:
        """The tasks, without the groups: what a group has is the mean of its tasks."""
        groups = {name for name, members in section(self.value, "group_subtasks").items() if members}
        groups |= section(self.value, "groups").keys()
        return [name for name in section(self.value, "results") if name not in groups]

    def scores(self, task: str) -> dict[Key, float]:
        """The scores of a task. Raises DataError for one that is NaN."""
        return self._numbers(task, errors=False)

    def errors(self, task: str) -> dict[Key, float]:
        """The standard errors of a task's scores, as far as the harness computed them."""
        return self._numbers(task, errors=True)

    def _numbers(self, task: str, *, errors: bool) -> dict[Key, float]:
        found = {}
        for name, given in section(self.value, "results", task).items():
            metric, _, filtered = name.partition(",")
            value = number(given)
            if value is None or metric in _NO_SCORE or metric.endswith(_STDERR) != errors:
                continue
            if not math.isfinite(value):
                if errors:
                    continue
                raise DataError(f"{self.path}: {task}: {name} is {value}, which is not a score")
            found[metric.removesuffix(_STDERR), filtered or NO_FILTER] = value
        return found

    def questions(self, task: str) -> int | None:
        """How many questions were asked; None before 0.4.3, which does not say."""
        return count(section(self.value, "n-samples", task).get("effective"))

    def higher_is_better(self, task: str, metric: str) -> bool | None:
        """The direction of a metric, or None where the file does not say."""
        told = section(self.value, "higher_is_better", task).get(metric)
        return told if isinstance(told, bool) else None

    def of_task(self, name: str, task: str) -> str:
        """What one of the tables by task ("versions", "n-shot") says of it."""
        told = section(self.value, name).get(task)
        return UNTOLD if told is None else str(told)

    def asked(self, task: str) -> dict[str, str]:
        """What the file tells of how questions were put and answers generated, beside the number of shots."""
        generation = section(self.value, "configs", task).get("generation_kwargs")
        told = {
            "chat template": "yes" if self.value.get("chat_template") or self.value.get("chat_template_sha") else None,
            "system": text(self.value.get("system_instruction_sha")),
            "shots as turns": "yes" if self.value.get("fewshot_as_multiturn") else None,
            "generation": short_digest(generation) if generation else None,
        }
        return {name: value[:6] for name, value in told.items() if value is not None}

    @property
    def model(self) -> str | None:
        """The name of the evaluated model: of an adapter where one is laid over a model; with its revision if named."""
        arguments = section(self.value, "config").get("model_args")
        if isinstance(arguments, str):
            arguments = dict(each.split("=", 1) for each in arguments.split(",") if "=" in each)
        told = arguments if isinstance(arguments, dict) else {}
        name = text(self.value.get("model_name")) or next((str(told[each]) for each in _MODEL if each in told), None)
        revision = told.get("revision") or "main"
        return name if name is None or revision == "main" else f"{name}@{revision}"

    @property
    def started(self) -> str | None:
        """When the evaluation began, or None where the file does not say."""
        return self._after(0.0)

    @property
    def finished(self) -> str | None:
        """When it ended, or None where the file does not say: names of files have a local time, of no known zone."""
        took = self.value.get("total_evaluation_time_seconds")
        try:
            return self._after(float(took)) if isinstance(took, str | float) else None
        except ValueError:
            return None

    def _after(self, seconds: float) -> str | None:
        moment = number(self.value.get("date"))
        if moment is None or not math.isfinite(moment + seconds):
            return None
        return datetime.fromtimestamp(moment + seconds, UTC).isoformat(timespec="seconds")

    @property
    def version(self) -> str | None:
        """The version of the harness, or else its commit."""
        return text(self.value.get("lm_eval_version")) or text(self.value.get("git_hash"))


_MODEL = ("peft", "delta", "pretrained", "model", "path", "engine")
"""Arguments that name the evaluated model, the most particular first."""
UNTOLD = "unknown"
"""Of a task's version or number of shots, without a results file."""


def is_one(value: object) -> bool:
    """Whether a JSON value is a results file of the harness."""
    return bool(section(value, "results")) and bool(section(value, "versions") or section(value, "configs"))


def date_of(path: Path) -> str:
    """How the name of a file of the harness ends, the same for all files of one evaluation; empty without a date."""
    found = _DATED.search(path.stem)
    return found[0] if found else ""


def moment_of(path: Path) -> str:
    """The date in a file's name as ISO 8601, or else the file's own."""
    if found := _DATED.search(path.stem):
        return f"{found[1]}T{found[2]}:{found[3]}:{found[4]}+00:00"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
