"""A bundle: an ONNX graph, the tokenizer, the labels, and a script that answers without torch.

If a method cannot be merged (bottleneck, prefix, ...), the graph computes it, except for decoders that generate.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from pefbench.errors import DataError, ExportError, RecipeError
from pefbench.export import decoder, graph, heads, merging
from pefbench.export.format import Format, Options
from pefbench.export.formats.merged import generation
from pefbench.export.heads import generation as prompts
from pefbench.export.script import script
from pefbench.file_names import FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.export.original import Original
    from pefbench.inference.kind import Answer, Json

SCRIPT, SETTINGS, TOKENIZER = "answer.py", "bundle.json", "tokenizer.json"
NEEDS = ("onnx", "onnxruntime", "onnxscript")
CUT = ("sequence", "multi_label", "regression", "token")
"""The kinds whose texts the tokenizer cuts."""


class Onnx(Format):
    """ONNX."""

    options = frozenset({"quantize"})
    as_predict = True

    def check(self, original: Original, options: Options) -> None:  # noqa: ARG002 - every graph can be quantised
        """Raise a UserError if the model has no such graph, the tokenizer is in Python or packages are missing."""
        if lacking := [name for name in NEEDS if find_spec(name) is None]:
            raise RecipeError(f"--as onnx needs {', '.join(lacking)}: pip install 'pefbench[onnx]'")
        if original.prepared.recipe.model.quantize != "none":
            raise DataError("--as onnx: the base is quantised by bitsandbytes, whose layers cannot be exported to ONNX")
        if not original.tokenizer.is_fast:
            raise DataError("--as onnx: the tokenizer is implemented in Python and has no tokenizer.json")
        self._settings(original)
        graph.check(original.prepared.config)
        if original.head.generates:
            self._check_decoder(original)

    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> list[str]:
        """Write graph, tokenizer, settings and script."""
        to.mkdir(parents=True)
        merge = merging.refusal(original) is None
        settings = self._settings(original)
        exported = merging.merged(original, model) if merge else model
        if original.head.generates:
            how = generation(original, exported)
            if how.bad_words_ids or how.suppress_tokens:
                raise DataError("--as onnx: the model suppresses some tokens, which bundles do not support")
            settings |= {**decoder.write(exported, to / graph.FILE), "ends": how.eos_token_id}
        else:
            graph.write(exported, _inputs(original), to / graph.FILE)
        if options.quantize:
            graph.quantize(to / graph.FILE)
        _tokenizer(original).save(str(to / TOKENIZER))
        text = json.dumps(settings, indent=1, ensure_ascii=False, allow_nan=False)
        (to / SETTINGS).write_text(f"{text}\n", encoding="utf8")
        traits = _own(original).traits(original.head, original.tokenizer)
        (to / SCRIPT).write_text(script(original.kind_name, traits), encoding="utf8")
        return [] if merge else ["the method is not merged: the graph computes it in addition to the weights"]

    def answers(self, original: Original, folder: Path) -> list[Answer]:
        """The script's answers, in a process without pefbench."""
        lines = "".join(f"{json.dumps(each)}\n" for each in _given(original))
        done = subprocess.run(
            [sys.executable, "-I", str(folder / SCRIPT), "--json"],
            input=lines,
            capture_output=True,
            text=True,
            encoding="utf8",
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise ExportError(f"the export's {SCRIPT} fails; the export was removed: {last}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def usage(self, original: Original, options: Options) -> str:  # noqa: ARG002
        """The script's command."""
        sample = _given(original)[0]
        text = next(iter(sample.values()))
        given = json.dumps(text if isinstance(text, str) and len(sample) == 1 else sample, ensure_ascii=False)
        return (
            "```\npip install onnxruntime tokenizers numpy\n"
            'python answer.py "A text."\n'
            "python answer.py --json < inputs.jsonl\n```\n\n"
            "It needs neither torch nor transformers. Each answer is one line of JSON, as from `pefbench predict "
            "--json`. An input that is more than a text is a JSON object, given with --json. An input from the test "
            f"split:\n\n```\n{given}\n```"
        )

    def _check_decoder(self, original: Original) -> None:
        """Raise a UserError if the decoder cannot be exported to a graph."""
        if reason := merging.refusal(original):
            raise DataError(f"--as onnx of a decoder needs merged weights, but {reason}")
        decoder.check(original.prepared.config)
        _given(original)

    def _settings(self, original: Original) -> Json:
        """The script's settings."""
        head, length = original.head, original.prepared.recipe.train.max_length
        own: Json = _own(original).settings(head, original.tokenizer, length)
        return {"file_name": FILE_NAME.pattern, **own}


def _own(original: Original) -> Any:
    """What bundles of this kind of head need: a module of `heads`."""
    return importlib.import_module(f"{heads.__name__}.{original.kind_name}")


def _tokenizer(original: Original) -> Tokenizer:
    """The tokenizer as the script needs it: without padding, cutting texts if that is not the script's own work."""
    found = Tokenizer.from_str(original.tokenizer.backend_tokenizer.to_str())
    found.no_padding()
    found.no_truncation()
    if original.kind_name in CUT:
        length = original.prepared.recipe.train.max_length
        found.enable_truncation(length, direction=original.tokenizer.truncation_side)
    return found


def _inputs(original: Original) -> list[str]:
    """The names of the graph's inputs."""
    names = ["input_ids", "attention_mask"]
    return [*names, "token_type_ids"] if getattr(original.head, "segments", False) else names


def _given(original: Original) -> list[Json]:
    """The test examples as the script's inputs."""
    if not original.head.generates:
        return original.inputs
    head: Any = original.head
    return [prompts.given(each, head, original.tokenizer) for each in original.examples]


FORMAT = Onnx()
