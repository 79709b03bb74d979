"""One run of PEFT's comparison of methods (``method_comparison``), as a result.

A file has the test score, but neither answers nor the number of test questions. MetaMathQA is tested on the whole test
set of GSM8K, according to its README and code. The file's training time includes the evaluation on the test set; this
module uses the time of the training steps alone, which is in the log of metrics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.foreign import values
from pefbench.foreign.imported import UNKNOWN, UNVERIFIED, Imported, provenance, result_of
from pefbench.foreign.reading import JsonObject, count, number, section, short_digest, text
from pefbench.remarks import Odd, Remarks
from pefbench.results.schema import read_time
from pefbench.sources.transport.digests import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.schema import Data, MetricValue, Model, Phases, Reached

TOOL = "PEFT method_comparison"


@dataclass(frozen=True)
class Benchmark:
    """One of PEFT's benchmarks. metric: its headline, which its log has as ``test <metric>``; higher is better.

    questions, validation: sizes of its test and validation sets, if the score is the fraction of right answers;
    otherwise None. prompt_settings: the settings that determine the prompt.
    """

    task: str
    metric: str
    questions: int | None
    validation: int | None
    prompt_settings: tuple[str, ...]


BENCHMARKS = (
    Benchmark("metamathqa_gsm8k", "accuracy", 1319, 50, ("query_template", "generation_kwargs", "max_seq_length")),
    Benchmark(
        "image-gen",
        "dino_similarity",
        None,
        None,
        (
            *("dataset_id", "dataset_split", "instance_prompts", "valid_size", "test_size", "resolution"),
            *("num_inference_steps", "guidance_scale", "dino_model_id", "dino_image_size"),
        ),
    ),
)
NO_SIZE = 99_999_999
"""The size that the benchmark writes for a checkpoint that it could not measure."""
PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def is_one(value: object) -> bool:
    """Whether a JSON value is a result file of the benchmark."""
    return bool(section(value, "run_info")) and bool(section(value, "train_info"))


def imported(path: Path, value: JsonObject, questions: int | None) -> Imported:
    """The result of a file. questions: size of the test set, if it is not the benchmark's own.

    Raises DataError if the file lacks what every such file has, or its accuracy is impossible for this size.
    """
    run, train = section(value, "run_info"), section(value, "train_info")
    name, created = text(run.get("experiment_name")), _time(path, run)
    if name is None:
        raise DataError(f"{path}: run_info.experiment_name is missing, though it is a file of {TOOL}")
    benchmark = _benchmark(value)
    foreign = {"tool": TOOL, "version": _versions(value).get("peft"), "files": {path.name: digest_of(path)}}
    config = section(run, "train_config")
    recipe = _recipe(benchmark.task, name, run, config)
    precision = PRECISIONS.get(str(config.get("dtype")), str(config.get("dtype") or UNKNOWN))
    origin = provenance(path.name, created, created, precision, _versions(value))
    failed = None if train.get("status") == "success" else _failure(run, train)
    reached: Reached = {} if failed else _reached(path, value, benchmark, questions)
    identity = short_digest([recipe, config])
    result = result_of(foreign, recipe, origin, reached, measured=[identity], error=failed)  # type: ignore[arg-type]
    return Imported(result)


def _benchmark(value: JsonObject) -> Benchmark:
    """The benchmark of a file: its log has the benchmark's metric, at least on validation, unless it failed early."""
    logged = {name for each in _log(value) for name in each}
    fitting = (each for each in BENCHMARKS if {f"test {each.metric}", f"valid {each.metric}"} & logged)
    return next(fitting, BENCHMARKS[0])


def _test_score(path: Path, value: JsonObject, benchmark: Benchmark) -> float:
    """The score on test. Raises DataError if there is none."""
    key = f"test {benchmark.metric}"
    found = [number(each[key]) for each in _log(value) if key in each]
    if not found:
        raise DataError(f"{path}: no {key!r} in train_info.metrics, although the run is recorded as successful")
    low = 0 if benchmark.questions else -1
    if found[-1] is None or not low <= found[-1] <= 1:  # NaN fails both comparisons
        raise DataError(f"{path}: {key} should be from {low} to 1, got {found[-1]}")
    return found[-1]


def _reached(path: Path, value: JsonObject, benchmark: Benchmark, given: int | None) -> Reached:
    remarks: list[str] = []
    score = _test_score(path, value, benchmark)
    questions = given or _fitting(score, benchmark.questions)
    reached: Reached = {
        "data": _data(value, benchmark, questions),
        "model": _model(value),
        "phases": _phases(value, remarks),
        "metrics": {"test": {benchmark.metric: _metric(path, value, benchmark, score, questions, remarks)}},
        "headline": benchmark.metric,
        "notes": [],
        "warnings": [],
    }
    if on_validation := _validation(value, benchmark):
        reached["metrics"]["validation"] = {benchmark.metric: on_validation}
    reached["notes"], reached["warnings"] = Remarks.of(remarks)
    return reached


def _validation(value: JsonObject, benchmark: Benchmark) -> MetricValue | None:
    """The last score on validation."""
    key = f"valid {benchmark.metric}"
    scores = [found for each in _log(value) if (found := number(each.get(key))) is not None]
    if not scores:
        return None
    signature = f"{TOOL}|metric:{key}"
    if questions := _fitting(scores[-1], benchmark.validation):
        return values.proportion(scores[-1], questions, signature, higher=True)
    return values.score_only(scores[-1], None, signature, higher=True)


def _fitting(score: float, questions: int | None) -> int | None:
    """The benchmark's number of questions, unless the score contradicts it."""
    return questions if questions and values.rights(score, questions) is not None else None


def _metric(
    path: Path, value: JsonObject, benchmark: Benchmark, score: float, questions: int | None, remarks: list[str]
) -> MetricValue:
    config = section(value, "run_info", "train_config")
    prompt = short_digest([config.get(name) for name in benchmark.prompt_settings])
    signature = f"{TOOL}|metric:test {benchmark.metric}|prompt:{prompt}|questions:{questions or UNKNOWN}"
    if benchmark.questions is None:
        remarks.append(f"{benchmark.metric} has no interval: the file has no score of any test example")
        return values.score_only(score, None, signature, higher=True)
    if questions is None:
        remarks.append(
            Odd(
                f"{benchmark.metric} has no interval: {score:.6g} is not a whole number of right answers to the "
                f"benchmark's {benchmark.questions:,} questions; give the number of questions (--questions)"
            )
        )
        return values.score_only(score, None, signature, higher=True)
    try:
        return values.proportion(score, questions, signature, higher=True)
    except DataError as error:
        raise DataError(f"{path}: --questions {questions}: {error}") from None


def _recipe(task: str, name: str, run: JsonObject, config: JsonObject) -> JsonObject:
    peft = section(run, "peft_config")
    method = str(peft.get("peft_type", UNKNOWN)).lower() if peft else "full"
    optimizer = section(config, "optimizer_kwargs")
    train = {each: config.get(each) for each in ("seed", "batch_size", "max_steps", "optimizer_type", "lr_scheduler")}
    return {
        "name": name,
        "task": task,
        "model": {"name": f"hf:{config.get('model_id', UNKNOWN)}"},
        "method": {**{key: each for key, each in peft.items() if key not in _NO_OPTIONS}, "name": method},
        "train": {**train, "learning_rate": number(optimizer.get("lr"))},
        "evaluate": {},
    }


_NO_OPTIONS = frozenset(
    {"peft_type", "peft_version", "task_type", "base_model_name_or_path", "auto_mapping", "inference_mode", "revision"}
)


def _data(value: JsonObject, benchmark: Benchmark, questions: int | None) -> Data:
    told = section(value, "meta_info", "dataset_info")
    named = told if "sha" not in told else {section(value, "run_info", "train_config").get("dataset_id", UNKNOWN): told}
    shas = {name: section(each).get("sha") for name, each in named.items()}
    last = _log(value)[-1]
    splits: JsonObject = {}
    if seen := count(last.get("train samples")):
        tokens = count(last.get("train total tokens"))
        splits["train"] = {"examples": seen, **({} if tokens is None else {"tokens": tokens})}
    if questions:
        splits["test"] = {"examples": questions}
    return {
        "source": " + ".join(shas) or benchmark.task,
        "fingerprint": f"{UNVERIFIED}{short_digest(shas)}",
        "splits": splits,
    }


def _model(value: JsonObject) -> Model:
    train = section(value, "train_info")
    sha = text(section(value, "meta_info", "model_info").get("sha"))
    trained, total, size = (count(train.get(name)) for name in _SIZES)
    model: Model = {
        "name": str(section(value, "run_info", "train_config").get("model_id", UNKNOWN)),
        "fingerprint": sha or f"{UNVERIFIED}revision",
        "adapter_bytes": None if size == NO_SIZE else size,
    }
    if trained and total:
        model |= {"parameters": total, "trainable_parameters": trained, "trainable_percent": 100 * trained / total}
    return model


_SIZES = "num_trainable_params", "num_total_params", "file_size"


def _phases(value: JsonObject, remarks: list[str]) -> Phases:
    """Training: the time of its steps alone, and the peak of reserved memory. Empty if the file lacks either."""
    train, log = section(value, "train_info"), _log(value)
    peak = count(train.get("accelerator_memory_max")) or count(train.get("cuda_memory_max"))  # its original name
    steps = [each for each in log if "train time" in each]
    seconds: float | None = sum(number(each["train time"]) or 0.0 for each in steps)
    last = count(log[-1].get("step"))
    if not steps or steps[-1].get("step") != last:
        seconds = number(train.get("train_time"))
        remarks.append(Odd("the training time includes the evaluation on the test set"))
    if peak is None or last is None or seconds is None or not (math.isfinite(seconds) and seconds > 0):
        return {}
    tokens = count(log[-1].get("train total tokens"))
    rates = {} if tokens is None else {"tokens": tokens, "tokens_per_second": tokens / seconds}
    return {"train": {"seconds": seconds, "peak_memory_bytes": peak, "steps": last, **rates}}  # type: ignore[typeddict-item]


def _log(value: JsonObject) -> list[JsonObject]:
    found = section(value, "train_info").get("metrics")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _versions(value: JsonObject) -> JsonObject:
    told = section(value, "meta_info", "package_info")
    return {name.removesuffix("-version"): each for name, each in told.items() if name.endswith("-version")}


def _failure(run: JsonObject, train: JsonObject) -> str:
    return f"{train.get('status') or 'no status'}: {text(run.get('error_msg')) or 'no reason recorded'}"


def _time(path: Path, run: JsonObject) -> str:
    created = text(run.get("created_at")) or ""
    try:
        read_time(created)
    except ValueError:
        raise DataError(f"{path}: run_info.created_at should be a time in ISO 8601") from None
    return created
