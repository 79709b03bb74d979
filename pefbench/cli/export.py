"""pefbench export: a saved trial as files that run without it, held to the trial's own answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.cli._arguments import count, given_address, given_path
from pefbench.cli._terminal import complain, hush_libraries, print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    export = commands.add_parser("export", help="write a saved trial as files that run without pefbench")
    export.add_argument(
        "trial", type=given_path, metavar="TRIAL", help="a trial's folder results/RECIPE/ID, or its result"
    )
    export.add_argument("--to", type=given_path, required=True, metavar="DIR", help="folder to create")
    export.add_argument(
        "--as",
        dest="name",
        required=True,
        metavar="FORMAT",
        help="adapter: for PEFT; merged: for transformers; onnx: a bundle that answers without torch; gguf",
    )
    export.add_argument("--quantize", choices=["int8"], help="onnx: 8 bits, with the loss measured on the test split")
    export.add_argument(
        "--dtype", choices=["fp32", "bf16", "fp16"], default="fp32", help="merged: data type of the weights"
    )
    export.add_argument(
        "--max-lora-rank", type=count, metavar="N", help="adapter: the largest rank that the server loads (vLLM)"
    )
    export.add_argument(
        "--base", type=given_address, metavar="ADDRESS", help="where the pretrained model is now, if it has moved"
    )
    export.add_argument("--replay", type=count, metavar="N", help="replay only the first N test examples")
    export.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.export.format import Options, find

    options = Options(quantize=parsed.quantize, dtype=parsed.dtype, max_lora_rank=parsed.max_lora_rank)
    find(parsed.name, options)
    hush_libraries()
    from pefbench.export.exporting import export
    from pefbench.results.store import readable
    from pefbench.trial.devices import set_threads

    set_threads(None)
    done = export(parsed.trial, parsed.to, parsed.name, options, base=parsed.base, most=parsed.replay)
    print_line(f"{parsed.to}: {readable(done.size, 'B')}; {done.replay or 'already exists and is complete'}")
    for note in done.notes:
        complain(f"note: {note}")
    return 0
