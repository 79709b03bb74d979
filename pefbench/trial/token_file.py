"""A tokenised split as one Arrow file, which is mapped into memory instead of being read.

The arrays of an `Encoded` are stored end to end, one column each, in a single row. Everything else is in the schema's
metadata, as JSON. Equal splits give equal bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from pefbench.heads.encoded import Encoded
from pefbench.heads.search import DecoderPrompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerFast

    Array = np.ndarray[Any, Any]

PROMPT = ("reference_length", "end", "number", "read")
"""The numeric fields of a `DecoderPrompt`, in the order of their columns."""
ABOUT = b"pefbench"
"""The key in the metadata."""


class About(TypedDict):
    """Everything that is not an array."""

    features: list[str]
    fixed: dict[str, list[int]]  # the shape of each
    decoding: str
    padding: dict[str, int]
    notes: list[str]


def content(encoded: Encoded) -> bytes:
    """The content of a split's file. Raises ValueError if its decoding cannot be written."""
    import pyarrow as pa

    arrays: dict[str, Array] = {"targets": encoded.targets, "cut": np.asarray(encoded.cut, dtype=np.uint8)}
    if encoded.rows is not None:
        arrays["rows"] = encoded.rows
    for name, rows in encoded.features.items():
        arrays |= _joined(f"feature {name}", rows)
    for name, array in encoded.fixed.items():
        arrays[f"fixed {name}"] = array.reshape(-1)
    kind, more = _decoding(encoded.decoding)
    arrays |= more
    about: About = {
        "features": [*encoded.features],
        "fixed": {name: [*array.shape] for name, array in encoded.fixed.items()},
        "decoding": kind,
        "padding": encoded.padding,
        "notes": [*encoded.notes],
    }
    columns = [pa.LargeListArray.from_arrays(np.asarray([0, len(array)]), pa.array(array)) for array in arrays.values()]
    batch = pa.record_batch(columns, names=[*arrays])
    batch = batch.replace_schema_metadata({ABOUT: json.dumps(about)})
    made = pa.BufferOutputStream()
    with pa.ipc.new_file(made, batch.schema) as writer:
        writer.write_batch(batch)
    written: bytes = made.getvalue().to_pybytes()
    return written


def read(path: Path, tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """The split in a file, with memory-mapped arrays. tokenizer: as when it was made. Raises OSError, ValueError."""
    import pyarrow as pa

    # Arrow's own errors are of these two kinds.
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    about: About = json.loads(batch.schema.metadata[ABOUT])
    arrays = {name: _laid(column[0].values) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    return Encoded(
        features={name: _parted(arrays, f"feature {name}") for name in about["features"]},
        targets=arrays["targets"],
        decoding=_decoded(about["decoding"], arrays, tokenizer),
        rows=arrays.get("rows"),
        fixed={name: arrays[f"fixed {name}"].reshape(shape) for name, shape in about["fixed"].items()},
        cut=[bool(each) for each in arrays["cut"]],
        padding=about["padding"],
        notes=about["notes"],
    )


def _laid(values: Any) -> Array:
    """A NumPy view of an Arrow array of numbers; Arrow's own `to_numpy` imports pandas."""
    dtype = np.dtype(values.type.to_pandas_dtype())
    return np.frombuffer(values.buffers()[1], dtype, count=len(values), offset=values.offset * dtype.itemsize)


def _decoding(items: Sequence[Any]) -> tuple[str, dict[str, Array]]:
    """The kind of the items, and their arrays."""
    if all(item is None for item in items):
        return "none", {"decoding": np.asarray([len(items)])}
    if all(isinstance(item, np.ndarray) and item.ndim == 1 for item in items):
        return "arrays", _joined("decoding", items)
    if all(isinstance(item, DecoderPrompt) and item.wanted is None and item.sample == 0 for item in items):
        numbers = np.asarray([[getattr(item, name) for name in PROMPT] for item in items], dtype=np.int64)
        return "prompts", _joined("decoding", [item.ids for item in items]) | {"prompts": numbers.reshape(-1)}
    raise ValueError(f"decoding of {type(items[0]).__name__} is not written")


def _decoded(kind: str, arrays: Mapping[str, Array], tokenizer: PreTrainedTokenizerFast) -> list[Any]:
    if kind == "none":
        return [None] * int(arrays["decoding"][0])
    items = _parted(arrays, "decoding")
    if kind == "arrays":
        return items
    numbers = arrays["prompts"].reshape(-1, len(PROMPT)).tolist()
    return [
        DecoderPrompt(ids, tokenizer=tokenizer, **dict(zip(PROMPT, each, strict=True)))
        for ids, each in zip(items, numbers, strict=True)
    ]


def _joined(name: str, rows: Sequence[Array]) -> dict[str, Array]:
    """Rows end to end, and the end of each."""
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    return {name: np.concatenate(rows) if len(rows) else np.empty(0, dtype=np.int64), f"{name} ends": ends}


def _parted(arrays: Mapping[str, Array], name: str) -> list[Array]:
    """The rows that `_joined` joined."""
    ends = arrays[f"{name} ends"].tolist()
    return [arrays[name][start:end] for start, end in zip([0, *ends], ends, strict=False)]
