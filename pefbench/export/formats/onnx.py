"""A bundle: an ONNX graph, the tokenizer, the labels, and one script that answers without torch.

Models that cannot be merged (bottleneck, prefix, ...) are graphs of what they compute, decoders that generate excepted.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, ExportError, RecipeError
from pefbench.export import decoder, graph, heads, merging
from pefbench.export.format import Format, Options
from pefbench.export.formats.merged import generation
from pefbench.export.heads import generation as prompts
from pefbench.export.script import script

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.export.original import Original
    from pefbench.inference.kind import Answer, Json

SCRIPT, SETTINGS, TOKENIZER = "answer.py", "bundle.json", "tokenizer.json"
NEEDS = ("onnx", "onnxruntime", "onnxscript")


class Onnx(Format):
    """ONNX."""

    options = frozenset({"quantize"})
    as_predict = True

    def check(self, original: Original, options: Options) -> None:  # noqa: ARG002 - any can be put into 8 bits
        """Raise a UserError for a model without such a graph, a tokenizer of Python, a lack of packages."""
        if lacking := [name for name in NEEDS if find_spec(name) is None]:
            raise RecipeError(f"--as onnx needs {', '.join(lacking)}: pip install 'pefbench[onnx]'")
        if original.prepared.recipe.model.quantize != "none":
            raise DataError("--as onnx: the base is quantised by bitsandbytes, whose layers have no ONNX")
        if not original.tokenizer.is_fast:
            raise DataError("--as onnx: the tokenizer is a program of Python, and has no tokenizer.json")
        self._settings(original)
        if original.head.generates:
            self._check_decoder(original)

    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> list[str]:
        """Graph, tokenizer, settings and script."""
        to.mkdir(parents=True)
        merge = merging.refusal(original) is None
        settings = self._settings(original)
        exported = merging.merged(original, model) if merge else model
        if original.head.generates:
            how = generation(original, exported)
            if how.bad_words_ids or how.suppress_tokens:
                raise DataError("--as onnx: the model never writes some tokens, which a bundle does not know")
            settings |= {**decoder.write(exported, to / graph.FILE), "ends": how.eos_token_id}
        else:
            graph.write(exported, _inputs(original), to / graph.FILE)
        if options.quantize:
            graph.quantize(to / graph.FILE)
        original.tokenizer.backend_tokenizer.save(str(to / TOKENIZER))
        text = json.dumps(settings, indent=1, ensure_ascii=False, allow_nan=False)
        (to / SETTINGS).write_text(f"{text}\n", encoding="utf8")
        (to / SCRIPT).write_text(script(original.kind_name), encoding="utf8")
        return [] if merge else ["the method is not merged: the graph computes it beside the weights"]

    def answers(self, original: Original, folder: Path) -> list[Answer]:
        """What the script answers, in a process that has nothing of pefbench."""
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
            raise ExportError(f"the export's {SCRIPT} fails, and the export was removed: {last}")
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
            "Nothing else is needed: no torch, no transformers. One answer is one line of JSON, as `pefbench predict "
            "--json` has it. Where an input is more than a text, it is a JSON object, given with --json; an input of "
            f"the test split:\n\n```\n{given}\n```"
        )

    def _check_decoder(self, original: Original) -> None:
        """Raise a UserError for what a graph of a decoder cannot be of."""
        if reason := merging.refusal(original):
            raise DataError(f"--as onnx of a decoder is of merged weights, and {reason}")
        decoder.check(original.prepared.config)
        _given(original)

    def _settings(self, original: Original) -> Json:
        """What the script must know."""
        name, head, tokenizer = original.kind_name, original.head, original.tokenizer
        own: Any = importlib.import_module(f"{heads.__name__}.{name}")
        return {
            "head": name,
            "labels": list(head.labels),
            "max_length": original.prepared.recipe.train.max_length,
            "pad": tokenizer.pad_token_id,
            "pad_type": tokenizer.pad_token_type_id,
            "cut": tokenizer.truncation_side,
            **own.settings(head, tokenizer),
        }


def _inputs(original: Original) -> list[str]:
    """The names of the graph's inputs."""
    names = ["input_ids", "attention_mask"]
    return [*names, "token_type_ids"] if getattr(original.head, "segments", False) else names


def _given(original: Original) -> list[Json]:
    """The test examples as the script reads them."""
    if not original.head.generates:
        return original.inputs
    head: Any = original.head
    return [prompts.given(each, head, original.tokenizer) for each in original.examples]


FORMAT = Onnx()
