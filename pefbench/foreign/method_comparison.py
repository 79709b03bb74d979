"""One run of PEFT's comparison of methods (``method_comparison/MetaMathQA``), as a result.

A file has the test accuracy and not the number of test questions, nor any answer. Its training time includes the
evaluation on the test set; the time of the training steps alone is in its log of metrics, and is what is taken here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.foreign import values
from pefbench.foreign.imported import UNKNOWN, UNVERIFIED, Imported, provenance, result_of
from pefbench.foreign.reading import JsonObject, count, digest, number, section, short_digest, text
from pefbench.results.schema import read_time

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.schema import Data, MetricValue, Model, Phases, Reached

TOOL = "PEFT method_comparison"
TASK = "metamathqa_gsm8k"
METRIC = "accuracy"
NO_SIZE = 99_999_999
"""What the benchmark writes for the size of a checkpoint that it could not measure."""
PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def is_one(value: object) -> bool:
    """Whether a JSON value is a result file of the benchmark."""
    return bool(section(value, "run_info")) and bool(section(value, "train_info"))


def is_finished(value: JsonObject) -> bool:
    """Whether the run is said to have succeeded."""
    return section(value, "train_info").get("status") == "success"


def imported(path: Path, value: JsonObject, questions: int | None) -> Imported:
    """The result of a file. questions: of the test set, which the file does not say.

    Raises DataError where it lacks what every such file has, or its accuracy is not one of so many questions.
    """
    run, train = section(value, "run_info"), section(value, "train_info")
    name, created = text(run.get("experiment_name")), _time(path, run)
    if name is None:
        raise DataError(f"{path}: run_info.experiment_name is missing, though it is a file of {TOOL}")
    foreign = {"tool": TOOL, "version": _versions(value).get("peft"), "files": {path.name: digest(path)}}
    config = section(run, "train_config")
    recipe = _recipe(name, run, config, created)
    precision = PRECISIONS.get(str(config.get("dtype")), str(config.get("dtype") or UNKNOWN))
    origin = provenance(path.name, created, created, precision, _versions(value))
    failed = None if is_finished(value) else _failure(run, train)
    reached: Reached = {} if failed else _reached(path, value, questions)
    result = result_of(foreign, recipe, origin, reached, measured=[digest(path)], error=failed)  # type: ignore[arg-type]
    return Imported(result)


def accuracy_of(path: Path, value: JsonObject) -> float:
    """The accuracy on test. Raises DataError where there is none."""
    found = [number(each["test accuracy"]) for each in _log(value) if "test accuracy" in each]
    if not found:
        raise DataError(f"{path}: no 'test accuracy' in train_info.metrics, though the run is said to have succeeded")
    if found[-1] is None or not 0 <= found[-1] <= 1:  # NaN is neither
        raise DataError(f"{path}: test accuracy should be from 0 to 1, is {found[-1]}")
    return found[-1]


def _reached(path: Path, value: JsonObject, questions: int | None) -> Reached:
    warnings: list[str] = []
    reached: Reached = {
        "data": _data(value, questions),
        "model": _model(value),
        "phases": _phases(value, warnings),
        "metrics": {"test": {METRIC: _accuracy(path, value, questions, warnings)}},
        "headline": METRIC,
        "warnings": warnings,
    }
    if validation := [found for each in _log(value) if (found := number(each.get("valid accuracy"))) is not None]:
        signature = f"{TOOL}|metric:valid accuracy"
        reached["metrics"]["validation"] = {METRIC: values.score_only(validation[-1], None, signature, higher=True)}
    return reached


def _accuracy(path: Path, value: JsonObject, questions: int | None, warnings: list[str]) -> MetricValue:
    accuracy = accuracy_of(path, value)
    config = section(value, "run_info", "train_config")
    asked = short_digest([config.get(name) for name in ("query_template", "generation_kwargs", "max_seq_length")])
    signature = f"{TOOL}|metric:test accuracy|prompt:{asked}|questions:{questions or UNKNOWN}"
    if questions is None:
        warnings.append("accuracy has no interval: the file does not say how many questions there were (--questions)")
        return values.score_only(accuracy, None, signature, higher=True)
    try:
        return values.proportion(accuracy, questions, signature, higher=True)
    except DataError as error:
        raise DataError(f"{path}: --questions {questions}: {error}") from None


def _recipe(name: str, run: JsonObject, config: JsonObject, created: str) -> JsonObject:
    peft = section(run, "peft_config")
    method = str(peft.get("peft_type", UNKNOWN)).lower() if peft else "full"
    optimizer = section(config, "optimizer_kwargs")
    train = {each: config.get(each) for each in ("seed", "batch_size", "max_steps", "optimizer_type", "lr_scheduler")}
    return {
        "name": name,
        "task": TASK,
        "model": {"name": f"hf:{config.get('model_id', UNKNOWN)}"},
        "method": {**{key: each for key, each in peft.items() if key not in _NO_OPTIONS}, "name": method},
        "train": {**train, "learning_rate": number(optimizer.get("lr"))},
        "evaluate": {"date": created},
    }


_NO_OPTIONS = frozenset(
    {"peft_type", "task_type", "base_model_name_or_path", "auto_mapping", "inference_mode", "revision"}
)


def _data(value: JsonObject, questions: int | None) -> Data:
    shas = {name: section(each).get("sha") for name, each in section(value, "meta_info", "dataset_info").items()}
    last = _log(value)[-1]
    splits: JsonObject = {}
    if seen := count(last.get("train samples")):
        tokens = count(last.get("train total tokens"))
        splits["train"] = {"examples": seen, **({} if tokens is None else {"tokens": tokens})}
    if questions:
        splits["test"] = {"examples": questions}
    return {"source": " + ".join(shas) or TASK, "fingerprint": f"{UNVERIFIED}{short_digest(shas)}", "splits": splits}


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


def _phases(value: JsonObject, warnings: list[str]) -> Phases:
    """Training: the time of its steps alone, and the peak of reserved memory. Empty where the file lacks either."""
    train, log = section(value, "train_info"), _log(value)
    peak = count(train.get("accelerator_memory_max")) or count(
        train.get("cuda_memory_max")
    )  # as it was called at first
    steps = [each for each in log if "train time" in each]
    seconds: float | None = sum(number(each["train time"]) or 0.0 for each in steps)
    last = count(log[-1].get("step"))
    if not steps or steps[-1].get("step") != last:
        seconds = number(train.get("train_time"))
        warnings.append("the training time includes the evaluation on the test set")
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
