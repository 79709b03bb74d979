"""The results file of lm-evaluation-harness, ``results_<date>.json``: each task's scores and settings."""

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
"""The end of a file name's stem in the harness: the local time, in ISO 8601 with dashes."""
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
"""Whether higher is better, for results that do not say so (before 0.4.3, or without a results file)."""

Key = tuple[str, str]
"""A metric and a filter."""


@dataclass(frozen=True)
class Aggregated:
    """A results file. value: its JSON."""

    path: Path
    value: JsonObject

    @property
    def tasks(self) -> list[str]:
        """The tasks, without groups, whose scores are means over their tasks."""
        groups = {name for name, members in section(self.value, "group_subtasks").items() if members}
        groups |= section(self.value, "groups").keys()
        return [name for name in section(self.value, "results") if name not in groups]

    def scores(self, task: str) -> dict[Key, float]:
        """The scores of a task. Raises DataError for one that is NaN."""
        return self._numbers(task, errors=False)

    def errors(self, task: str) -> dict[Key, float]:
        """The standard errors of a task's scores, if the harness computed them."""
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
        """The number of questions asked; None before 0.4.3, which does not record it."""
        return count(section(self.value, "n-samples", task).get("effective"))

    def higher_is_better(self, task: str, metric: str) -> bool | None:
        """The direction of a metric; None if the file does not say."""
        told = section(self.value, "higher_is_better", task).get(metric)
        return told if isinstance(told, bool) else None

    def of_task(self, name: str, task: str) -> str:
        """A task's entry in one of the tables by task ("versions", "n-shot")."""
        told = section(self.value, name).get(task)
        return UNTOLD if told is None else str(told)

    def asked(self, task: str) -> dict[str, str]:
        """What the file records about prompts and generation, apart from the number of shots."""
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
        """The name of the evaluated model, or of the adapter if one is used; with its revision if there is one."""
        arguments = section(self.value, "config").get("model_args")
        if isinstance(arguments, str):
            arguments = dict(each.split("=", 1) for each in arguments.split(",") if "=" in each)
        told = arguments if isinstance(arguments, dict) else {}
        name = text(self.value.get("model_name")) or next((str(told[each]) for each in _MODEL if each in told), None)
        revision = told.get("revision") or "main"
        return name if name is None or revision == "main" else f"{name}@{revision}"

    @property
    def started(self) -> str | None:
        """When the evaluation began; None if the file does not say."""
        return self._after(0.0)

    @property
    def finished(self) -> str | None:
        """When the evaluation ended; None if the file does not say. File names have a local time of unknown zone."""
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
        """The version of the harness, otherwise its commit."""
        return text(self.value.get("lm_eval_version")) or text(self.value.get("git_hash"))


_MODEL = ("peft", "delta", "pretrained", "model", "path", "engine")
"""Arguments that name the evaluated model, the most specific first."""
UNTOLD = "unknown"
"""The value of a task's version or number of shots without a results file."""


def is_one(value: object) -> bool:
    """Whether a JSON value is a results file of the harness."""
    return bool(section(value, "results")) and bool(section(value, "versions") or section(value, "configs"))


def date_of(path: Path) -> str:
    """The date at the end of a harness file's name, equal in all files of one evaluation; empty if there is none."""
    found = _DATED.search(path.stem)
    return found[0] if found else ""


def moment_of(path: Path) -> str:
    """The date in a file's name as ISO 8601, otherwise the file's modification time."""
    if found := _DATED.search(path.stem):
        return f"{found[1]}T{found[2]}:{found[3]}:{found[4]}+00:00"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
