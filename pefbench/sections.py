"""The sections of a recipe: each field says what it means and in which unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

Precision = Literal["auto", "fp32", "bf16", "fp16"]


Quantize = Literal["none", "int8", "nf4", "nf4-double"]


class Section(BaseModel):
    """A part of a recipe: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ModelSection(Section):
    """Which pretrained model."""

    name: str = Field(
        description="hf:OWNER/NAME, file:FOLDER, wheel:NAME==VERSION!FOLDER; a *.gguf file; warm-started:ENCODER"
    )
    revision: str | None = Field(None, description="commit, tag or branch of an hf: model")
    sha256: str | None = Field(None, description="digest of a wheel that pefbench does not know")
    # Left out where it is null: a field that came later leaves the ids of earlier trials as they were.
    pooling: Literal["mean"] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="what a text's class or score is read from: mean, of all pieces' states; null: as its architecture "
        "does, of one state",
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="the backbone's dropout; null: as in its config")
    quantize: Quantize = Field(
        "none", description="hold the blocks' frozen linear layers in 8 or 4 bits: none, int8, nf4 or nf4-double"
    )


class DataSection(Section):
    """Which rows, and what their columns are called."""

    source: str = Field(description="hf:OWNER/NAME, file:PATH or wheel:NAME==VERSION!PATH")
    config: str | None = Field(None, description="configuration of an hf: data set")
    revision: str | None = Field(None, description="commit, tag or branch of an hf: data set")
    sha256: str | None = Field(None, description="digest of a wheel that pefbench does not know")
    format: str | None = Field(None, description="conll, trec, jsonl, json, csv, tsv or parquet; null: by the suffix")
    encoding: str = Field("utf-8", description="of text files: utf-8, latin-1, cp1252, ... (Python's names)")
    train: str | None = Field(None, description="file or hub split to train on; null: split the one file by hash")
    validation: str | None = Field(None, description="file or hub split to choose on; null: a tenth of train, by hash")
    test: str | None = Field(None, description="file or hub split to report on")
    columns: dict[str, str | int] = Field(
        default_factory=dict,
        description="the source's name (or number, from 0) for what the task calls text, tags, ...",
    )
    leaks: Literal["drop", "keep"] = Field(
        "drop", description="training rows whose text is also in validation or test: drop them, or keep them"
    )
    repeats: Literal["drop", "keep"] = Field(
        "keep", description="rows whose text is already in their split: drop them, or keep them"
    )
    on_bad_row: Literal["error", "skip"] = Field(
        "error", description="a row that cannot be read: stop with its file and line, or leave it out and count it"
    )


class TrainSection(Section):
    """How to train."""

    learning_rate: float = Field(gt=0, description="peak learning rate; the method has a default of its own")
    epochs: float = Field(5, gt=0, description="passes over the training split")
    batch_size: int = Field(32, ge=1, description="examples a step, over all processes")
    micro_batch_size: int | None = Field(
        None, ge=1, description="examples a forward pass, in one process; gradients add up over them; null: all at once"
    )
    max_length: int = Field(128, ge=4, description="tokens a text; what lies beyond is not seen by the model")
    warmup: float = Field(0.1, ge=0, le=1, description="fraction of the steps over which the learning rate rises")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="how it falls after the warm-up")
    optimizer: Literal["adamw", "adamw8bit"] = Field(
        "adamw", description="adamw8bit keeps the moments of weights of 4096 elements and more in 8 bits"
    )
    weight_decay: float = Field(0.01, ge=0, description="AdamW's decoupled decay, on matrices only")
    # Left out where it is null, as `model.pooling`.
    class_weights: Literal["balanced"] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="weight of a training text in the loss: balanced, so that all classes weigh the same together; "
        "null: that all texts weigh the same",
    )
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this L2 norm")
    precision: Precision = Field(
        "auto", description="fp32, bf16 or fp16 arithmetic; auto: bf16 where the hardware has it"
    )
    seed: int = Field(0, ge=0, description="for the head, the method's weights, the data order and dropout")
    max_examples: int | None = Field(None, ge=1, description="train on at most this many examples, chosen by the seed")
    checkpoint_steps: int = Field(200, ge=1, description="steps between checkpoints")
    threads: int | None = Field(None, ge=1, description="CPU threads a process; null: the cores, shared out")


def _is_named(value: object) -> object:
    """Refuse in one sentence what is neither of the two ways to name a metric."""
    if isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("name"), str)):
        return value
    raise PydanticCustomError("metric", "should be a metric's name, or {name: NAME, OPTION: VALUE}")


NamedMetric = str | dict[str, JsonValue]
"""A metric as a recipe names it: its name, or ``{name: f1, positive: spam}``, the name with options."""


class EvaluateSection(Section):
    """How to predict."""

    batch_size: int = Field(128, ge=1, description="examples a forward pass, in one process")
    metrics: list[Annotated[NamedMetric, BeforeValidator(_is_named)]] = Field(
        min_length=1,
        description="what to score: names, or {name: NAME, OPTION: VALUE}; trials are ranked by the first; the task "
        "has its own list",
    )
