"""Models in the GGUF format, each converted once to a folder with safetensors, config and tokenizer.

A GGUF file is data. Its tensors, which may hold a few bits a weight, its config values and its tokenizer are read; a
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
"""Rises with every change of what a conversion writes; transformers and gguf have numbers of their own."""


def is_gguf(path: Path) -> bool:
    """Whether a path is a file in the GGUF format, by its name."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def converted(file: Path, source: str) -> Path:
    """The folder with the file's model, which is converted the first time.

    The folder is named by the file's sha256 and the versions of what converts it. Raises SourceError: no `gguf`
    package, not a decoder's GGUF that transformers reads, no room in the cache folder.
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

    The file is read in a folder of its own: transformers would also read an adapter or a tokenizer that lies beside it.
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
