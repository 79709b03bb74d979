"""The sections of a recipe: each field has a description with its meaning and unit."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

STEPS = re.compile(r"(\d{1,18})( steps?)?")
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Keep = Literal["best", "last"]
Quantize = Literal["none", "int8", "nf4", "nf4-double"]


class Section(BaseModel):
    """A part of a recipe or of a configuration: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ModelSection(Section):
    """Which pretrained model."""

    name: str = Field(
        description="hf:OWNER/NAME, file:FOLDER, wheel:NAME==VERSION!FOLDER; a *.gguf file; warm-started:ENCODER"
    )
    revision: str | None = Field(None, description="commit, tag or branch of an hf: model")
    sha256: str | None = Field(None, description="sha256 of a wheel that pefbench does not pin itself")
    # Left out of the values if null, so that fields added later do not change the ids of earlier trials.
    adapter: str | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="a trained adapter to start from, with its head if the labels match: hf:OWNER/NAME, file:FOLDER in "
        "PEFT's layout, or file: and a trial's folder",
    )
    adapter_mode: Literal["merge", "stack"] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="merge: the adapter is merged into the weights before the method is applied; stack: it stays "
        "frozen under the method (LoRA only); null: stack if the weights are quantised, else merge",
    )
    pooling: Literal["mean"] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="what a text's class or score is computed from; mean: the mean of its tokens' hidden states; null: "
        "the one hidden state that the architecture uses",
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="the backbone's dropout; null: as in its config")
    quantize: Quantize = Field(
        "none",
        description="precision of the frozen linear layers in the transformer blocks; int8: 8 bits; nf4: 4 bits; "
        "nf4-double: 4 bits, with scales in 8 bits",
    )


def _is_part(value: object) -> object:
    """Refuse, in one sentence, a value that cannot be a part's name, such as a fraction."""
    if value is None or isinstance(value, str):
        return value
    raise PydanticCustomError("part", "should be the name of a file or of a split, not a fraction of one")


Part = Annotated[str | None, BeforeValidator(_is_part)]


def _is_column(value: object) -> object:
    """Refuse, in one sentence, a value that cannot be a column's name, such as `null`, which means none in YAML."""
    names = value if isinstance(value, list) else [value]
    if all(isinstance(name, str) or type(name) is int for name in names):
        return value
    raise PydanticCustomError(
        "column",
        "should be a column's name, its number from 0, or a list of these; put a name such as null in quotes",
    )


def _is_group(value: object) -> object:
    """Refuse, in one sentence, a value that cannot be one column's name."""
    if value is None or isinstance(value, str) or type(value) is int:
        return value
    raise PydanticCustomError("group", "should be one column's name, or its number from 0")


Column = Annotated[
    str | int | Annotated[list[str | int], Field(min_length=1)],
    BeforeValidator(_is_column),
]


class DataSection(Section):
    """Which rows, and what their columns are called."""

    source: str = Field(description="hf:OWNER/NAME, file:PATH or wheel:NAME==VERSION!PATH")
    config: str | None = Field(None, description="configuration of an hf: data set")
    revision: str | None = Field(None, description="commit, tag or branch of an hf: data set")
    sha256: str | None = Field(None, description="sha256 of a wheel that pefbench does not pin itself")
    format: str | None = Field(None, description="format of the files: `pefbench list formats`; null: by their suffix")
    encoding: str = Field("utf-8", description="encoding of text files, by Python's name: utf-8, latin-1, cp1252, ...")
    train: Part = Field(
        None, description="file or hub split to train on; null: the one file is split by a hash of the text"
    )
    validation: Part = Field(
        None, description="file or hub split to choose settings on; null: a tenth of train, by a hash of the text"
    )
    test: Part = Field(None, description="file or hub split to report scores on")
    columns: dict[str, Column] = Field(
        default_factory=dict,
        description="for each column of the task (text, tags, ...), its name in the source, or its number from 0; a "
        "list of names for columns that may have several",
    )
    leaks: Literal["drop", "keep"] = Field(
        "drop",
        description="training rows whose text is also in validation or test; drop: leave them out; keep: train on them",
    )
    repeats: Literal["drop", "keep"] = Field(
        "keep",
        description="rows whose text is already in their split; drop: leave them out; keep: use them",
    )
    on_bad_row: Literal["error", "skip"] = Field(
        "error",
        description="a row that cannot be read; error: stop, naming its file and line; skip: leave it out and count it",
    )
    # Left out if they are the default, like `model.pooling`.
    group: Annotated[str | int | None, BeforeValidator(_is_group)] = Field(
        None,
        exclude_if=lambda value: value is None,
        description="column, by its name or its number from 0, whose value rows share that belong together (of one "
        "author, patient, ...): they stay in one split and are one unit of intervals and tests. document: what the "
        "format marks as a document, unless a column has that name; null: what the task knows of",
    )
    header: bool = Field(
        default=True,
        exclude_if=lambda value: value is True,
        description="whether the first line of a csv or tsv names its columns; false: they are numbered from 0",
    )
    tags: Literal["strict", "lenient"] = Field(
        "lenient",
        exclude_if=lambda value: value == "lenient",
        description="tags that break their scheme, such as a single B- in IOB1; lenient: read as the entity that they "
        "mean, and counted; strict: a bad row",
    )
    near_duplicates: Literal["count", "drop"] = Field(
        "count",
        exclude_if=lambda value: value == "count",
        description="training rows that share four fifths of their distinct words with a validation or test row; "
        "count: say how many; drop: leave them out",
    )
    unseen_labels: Literal["error", "count"] = Field(
        "error",
        exclude_if=lambda value: value == "error",
        description="a label or entity type that occurs only in validation or test; error: a bad row; count: scored as "
        "missed, and counted",
    )
    labels: list[str] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="names of numeric labels or tags, from 0; null: from the data's own metadata",
    )
    seed: int | None = Field(
        None,
        ge=0,
        exclude_if=lambda value: value is None,
        description="seed for drawing train.max_examples examples, independent of train.seed; null: 0, if there is a "
        "limit",
    )


def _how_often(value: object) -> object:
    """Read `50 steps` as 50; refuse, in one sentence, anything that is not an interval."""
    if isinstance(value, str) and (found := STEPS.fullmatch(value.strip())):
        value = int(found[1])
    if value in ("epoch", "none", None) or (type(value) is int and value >= 1):
        return value
    raise PydanticCustomError("interval", "should be epoch, none or a number of steps from 1")


Tracker = Literal["tensorboard", "mlflow", "trackio", "wandb"]


def _once(names: list[Tracker]) -> list[Tracker]:
    """Refuse a tracker that is named twice: it would log each point twice."""
    if len(set(names)) < len(names):
        raise PydanticCustomError("once", "should name each tracker once")
    return names


class TrainSection(Section):
    """How to train."""

    learning_rate: float = Field(gt=0, description="peak learning rate")
    # Left out if null, like `model.pooling`.
    head_learning_rate: float | None = Field(
        None,
        gt=0,
        exclude_if=lambda value: value is None,
        description="peak learning rate of the head that the task adds to the pretrained model; null: learning_rate. "
        "With many classes and few steps a head needs a higher one than most methods",
    )
    epochs: float = Field(5, gt=0, description="passes over the training split")
    batch_size: int = Field(32, ge=1, description="examples per step, over all processes")
    micro_batch_size: int | None = Field(
        None,
        ge=1,
        description="examples per forward pass in one process; gradients are accumulated; null: the whole step at once",
    )
    # Left out if off, like `model.pooling`.
    recompute: bool = Field(
        default=False,
        exclude_if=lambda value: value is False,
        description="gradient checkpointing: activations inside a block are recomputed in the backward pass instead of "
        "kept; takes less memory and about a third more time",
    )
    packing: bool = Field(
        default=False,
        exclude_if=lambda value: value is False,
        description="put several examples of a step into one row, without attention between them, so that little "
        "padding is computed; for decoders that generate. Dropout is then drawn per row, not per example",
    )
    max_length: int = Field(
        128, ge=4, description="tokens per input; longer texts are truncated, contexts of questions split into windows"
    )
    warmup: float = Field(0.1, ge=0, le=1, description="fraction of the steps over which the learning rate rises")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="how the learning rate falls after the warm-up"
    )
    optimizer: Literal["adamw", "adamw8bit"] = Field(
        "adamw", description="adamw8bit: AdamW with the moments of tensors of 4,096 elements or more in 8 bits"
    )
    weight_decay: float = Field(0.01, ge=0, description="AdamW's decoupled weight decay, on matrices only")
    # Left out if null, like `model.pooling`.
    class_weights: Literal["balanced"] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="weights of the classes in the loss; balanced: each class has the same total weight; null: each "
        "text has the same weight",
    )
    max_grad_norm: float = Field(1.0, gt=0, description="L2 norm to which gradients are clipped")
    precision: Precision = Field("auto", description="arithmetic; auto: bf16 if the hardware supports it, else fp32")
    seed: int = Field(0, ge=0, description="seed of the head, the method's weights, the data order and dropout")
    max_examples: int | None = Field(
        None,
        ge=1,
        description="maximum number of training examples, drawn by data.seed in proportion to the classes; null: all",
    )
    checkpoint_steps: int = Field(200, ge=1, description="steps between checkpoints")
    # Left out if null or the default, like `model.pooling`; `evaluate` is never part of an id: `store.trial_id`.
    evaluate: Annotated[Literal["epoch", "none"] | Annotated[int, Field(ge=1)] | None, BeforeValidator(_how_often)] = (
        Field(
            None,
            exclude_if=lambda value: value is None,
            description="when the validation split is scored during training; epoch: after each epoch; a number: every "
            "so many steps; none: only at the end; null: after each epoch, but only the loss if answers are generated, "
            "which takes long. The last step is always scored, and the trained weights are always the same",
        )
    )
    keep: Keep = Field(
        "last",
        exclude_if=lambda value: value == "last",
        description="which weights are kept; last: those of the last step; best: those of the evaluation with the best "
        "value of the first metric on validation, the earliest if equal",
    )
    patience: int | None = Field(
        None,
        ge=1,
        exclude_if=lambda value: value is None,
        description="stop training after this many evaluations in a row without a better value of the first metric; "
        "null: never",
    )
    # Left out if it is the default, like `model.pooling`.
    fast_paths: bool = Field(
        default=True,
        exclude_if=lambda value: value is True,
        description="use faster ways to compute the same numbers, up to rounding; the result lists those used; false: "
        "compute as the libraries do",
    )
    # Not part of an id, like `evaluate`.
    track: Annotated[list[Tracker], AfterValidator(_once)] = Field(
        default_factory=list,
        exclude_if=lambda value: not value,
        description="trackers that log the curve during training: tensorboard, mlflow, trackio, wandb; on this "
        "machine, unless the tracker's own environment variables name a server",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="CPU threads per process; null: the cores, divided among the processes. Part of the trial's id, "
        "because the order of summation, and so the last digits, depends on it",
    )

    @property
    def chooses(self) -> bool:
        """Whether something depends on the scores during training: the step that is kept, or the number of steps."""
        return self.keep == "best" or self.patience is not None


def _is_named(value: object) -> object:
    """Refuse, in one sentence, a value that is neither of the two ways to name a metric."""
    if isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("name"), str)):
        return value
    raise PydanticCustomError("metric", "should be a metric's name, or {name: NAME, OPTION: VALUE}")


NamedMetric = str | dict[str, JsonValue]
"""A metric as a recipe names it: its name, or ``{name: f1, positive: spam}``, the name with options."""


class EvaluateSection(Section):
    """How to predict."""

    batch_size: int = Field(128, ge=1, description="examples per forward pass in one process")
    metrics: list[Annotated[NamedMetric, BeforeValidator(_is_named)]] = Field(
        min_length=1,
        description="metrics to compute: names, or {name: NAME, OPTION: VALUE}; the first one ranks trials; the task "
        "has its own list",
    )
