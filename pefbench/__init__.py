"""Fine-tuning methods compared honestly: one recipe, one trial, one result that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench import with_peft

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from pathlib import Path

    from pefbench.inference.kind import Json
    from pefbench.inference.model import Model

__all__ = ["Json", "Model", "find", "load", "run"]
__version__ = "0.1.0"

with_peft.register()


def load(trial: str | PathLike[str], base: str | None = None) -> Model:
    """The model of a trial, ready to answer: `pefbench.load("results/lora_ner/0123456789ab").predict(["A text."])`.

    trial: its folder, its result (the .json file beside it), or only its model's folder, even if moved. base: another
    address of the pretrained model, if that has moved; other weights are refused. Raises DataError if the trial is not
    finished or is damaged, SourceError if the base cannot be found.
    """
    from pathlib import Path

    from pefbench.inference import loading

    return loading.load(Path(trial), base)


def find(trial: str | PathLike[str]) -> Path:
    """The folder of a trial, named by the trial's id. Takes what `load` takes. Raises DataError as `load` does."""
    from pathlib import Path

    from pefbench.inference import loading

    return loading.find(Path(trial))


def run(recipe: str, out: str | PathLike[str], *, method: str | None = None, overrides: Iterable[str] = ()) -> Path:
    """Train by a recipe as `pefbench run` does, in a separate process with the same output.

    recipe: a file, or a name from `pefbench list recipes`. out: a folder of results; a finished trial in it is not run
    again, and a killed one is resumed. method: None: the recipe's. overrides: fields of the recipe, such as
    "train.epochs=3". Returns the trial's result, as `load` takes it. Raises TrialError if the run fails, and UserError
    if the recipe or the data are wrong.
    """
    import subprocess
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from pefbench.errors import TrialError, UserError
    from pefbench.paths import TOLD, child_command, child_environment

    command = ["run", recipe, "--out", str(out)]
    command += ["--method", method] if method else []
    command += [part for change in overrides for part in ("-o", change)]
    with TemporaryDirectory() as folder:
        told = Path(folder) / "result"
        environment = child_environment() | {TOLD: str(told)}
        status = subprocess.run(child_command(*command), env=environment, check=False).returncode
        if status:
            kind = UserError if status == UserError.exit_status else TrialError
            raise kind(f"training ended with status {status}; see its output above")
        return Path(told.read_text(encoding="utf8"))


if not TYPE_CHECKING:  # otherwise any name would pass for one of pefbench's

    def __getattr__(name: str) -> Any:
        """Import the types on first use: a model imports torch."""
        if name not in {"Json", "Model"}:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from pefbench.inference import kind

        if name == "Json":
            return kind.Json
        from pefbench.inference import model

        return model.Model
