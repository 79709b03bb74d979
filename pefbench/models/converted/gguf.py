"""Models in the GGUF format, each converted once to a folder with safetensors, config and tokenizer.

A GGUF file is data. Its tensors, which may have few bits per weight, its config values and its tokenizer are read. A
chat template in it is Jinja, which transformers runs in a sandbox. The converted weights are the same numbers in fp32.
"""

from __future__ import annotations

import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pefbench.errors import SourceError
from pefbench.models import from_pretrained
from pefbench.models.converted.once import once
from pefbench.sources.transport.digests import digest_of

SUFFIX = ".gguf"
MAGIC = b"GGUF"
ALONE = "model.gguf"
CONVERTER = 1
"""Incremented with every change of a conversion's output; transformers and gguf have their own versions."""


def is_gguf(path: Path) -> bool:
    """Whether a path is a file in the GGUF format, by its name."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def converted(file: Path, source: str) -> Path:
    """The folder with the file's model, which is converted the first time.

    The folder's name contains the file's sha256 and the converter's versions. Raises SourceError if the package `gguf`
    is missing, if transformers cannot read the file as a decoder, or if the cache folder has no room.
    """
    name = f"{digest_of(file)[:16]}-{_converter(source)}"
    return once("gguf", name, source, lambda to: _write(file, to, source))


def _converter(source: str) -> str:
    """The converter's version. Raises SourceError without the gguf package."""
    try:
        return f"{CONVERTER}-{version('transformers')}-{version('gguf')}"
    except PackageNotFoundError:
        raise SourceError(f"{source}: a GGUF model needs the package gguf: pip install 'pefbench[gguf]'") from None


def _write(file: Path, to: Path, source: str) -> None:
    """Save the model in fp32 with its tokenizer; the config no longer says that the weights are quantised.

    The file is read in a separate folder: transformers would also read an adapter or a tokenizer beside it.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with file.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise SourceError(f"{source}: not a GGUF file: it does not begin with {MAGIC.decode()}")
    with tempfile.TemporaryDirectory(prefix="pefbench-gguf-") as alone:
        Path(alone, ALONE).symlink_to(file.resolve())
        options = {"gguf_file": ALONE, "dtype": torch.float32, "use_safetensors": None}
        try:
            tokenizer = from_pretrained.tokenizer(Path(alone), ALONE, gguf_file=ALONE)
            model = from_pretrained.model(AutoModelForCausalLM, Path(alone), ALONE, **options)
        except SourceError as error:
            raise SourceError(f"{source}: not a GGUF model that transformers reads: {error}") from error
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is not None:
        quantizer.remove_quantization_config(model)
    tokenizer.save_pretrained(to)
    model.save_pretrained(to)
