"""Where a trial starts: a pretrained model, and the adapters that were trained on it before.

`model.name` may be a model, an adapter in PEFT's layout (its config names the base), or what a trial saved.
`model.adapter` applies one more adapter. `adapters` reads and applies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pefbench import sources
from pefbench.errors import RecipeError, SourceError
from pefbench.models import folders
from pefbench.models.from_pretrained import ADAPTER, CONFIG, TOKENIZER, read_json
from pefbench.models.reading import first_line
from pefbench.sections import ModelSection
from pefbench.sources.transport.address import HUB_NAME, FileAddress, parse_address
from pefbench.trial import adapters
from pefbench.trial.adapters import TRAINED
from pefbench.trial.machine import not_here
from pefbench.trial.saved import ABOUT, MODEL, TRIAL, check_model, read_trial

if TYPE_CHECKING:
    from pefbench.trial.adapters import Adapter
    from pefbench.trial.saved import SavedTrial

DEEPEST = 10
"""The maximum number of stacked adapters; more means that they form a cycle."""
ADVICE = "give model.name the base and model.adapter the folder"
KINDS = ("hf:", "file:", "wheel:", "warm-started:")


@dataclass(frozen=True)
class Start:
    """base: the folder with the weights. tokenizer: that with the tokenizer. adapters: in the order of training."""

    base: Path
    tokenizer: Path
    adapters: tuple[Adapter, ...] = ()


def resolve(model: ModelSection) -> Start:
    """The folders and adapters of a recipe's model. Raises SourceError and RecipeError."""
    mode = model.adapter_mode
    start = _named(model, mode, DEEPEST)
    if model.adapter is None:
        if mode is not None and not start.adapters:
            raise RecipeError(f"model.adapter_mode: {mode} without an adapter: set model.adapter")
        return start
    return _with_adapter(start, model.adapter, mode)


def _with_adapter(start: Start, source: str, mode: adapters.Mode | None) -> Start:
    """The start with `model.adapter` added. Raises SourceError if it is not an adapter."""
    where, trial = _place(source, None, None)
    if not _is_adapter(where):
        raise SourceError(f"model.adapter: {source} holds no adapter ({ADAPTER}); a whole model belongs in model.name")
    return Start(start.base, start.tokenizer, (*start.adapters, adapters.read(where, source, mode, trial)))


def _named(model: ModelSection, mode: adapters.Mode | None, deepest: int) -> Start:
    """The start that `model.name` resolves to, without `model.adapter`."""
    if model.name.startswith(folders.PREFIX):
        return _plain(model)
    where, trial = _place(model.name, model.revision, model.sha256)
    if trial is None and (not _is_adapter(where) or (where / CONFIG).is_file()):
        return _plain(model)
    if not deepest:
        raise SourceError(
            f"{model.name}: more than {DEEPEST} adapters on top of each other; does one name itself as its base?"
        )
    if trial and stands_alone(where, trial):
        return Start(where, where)
    under = _of_trial(where, trial, deepest) if trial else _base_of(where, model.name, deepest)
    if not _is_adapter(where):  # a whole model; its tokenizer is the base's
        return Start(where, under.tokenizer)
    return Start(under.base, under.tokenizer, (*under.adapters, adapters.read(where, model.name, mode, trial)))


def _plain(model: ModelSection) -> Start:
    where = folders.folder(model)
    return Start(where, where)


def _place(source: str, revision: str | None, sha256: str | None) -> tuple[Path, SavedTrial | None]:
    """The folder of a model or adapter, and what is known of the trial that saved it, if any."""
    address = parse_address(source)
    if isinstance(address, FileAddress):
        for folder in (address.path, address.path.resolve().parent):
            if (folder / TRIAL).is_file() and (folder == address.path or address.path.name == MODEL):
                trial = read_trial(folder)
                check_model(folder, trial)
                return folder / MODEL, trial
        if (address.path / ABOUT).is_file():  # the model's folder alone, wherever it was moved to
            return address.path, read_trial(address.path)
    return sources.locate(source, revision=revision, sha256=sha256), None


def stands_alone(where: Path, trial: SavedTrial) -> bool:
    """Whether the saved model in this folder is whole, with its tokenizer, and the trial's base is not here."""
    model = trial["recipe"].get("model")
    name = model.get("name") if isinstance(model, dict) else None
    is_gone = isinstance(name, str) and not_here(name) is not None
    return is_gone and not _is_adapter(where) and (where / CONFIG).is_file() and (where / TOKENIZER).is_file()


def _is_adapter(where: Path) -> bool:
    return (where / ADAPTER).is_file() or (where / TRAINED).is_file()


def _of_trial(where: Path, trial: SavedTrial, deepest: int) -> Start:
    """What the trial itself started from."""
    try:
        model = ModelSection.model_validate(trial["recipe"].get("model"))
    except ValidationError as error:
        raise SourceError(f"{where.parent / TRIAL}: damaged: recipe.model: {first_line(error)}") from None
    if (base := not_here(model.name)) and not (where.parent / TRIAL).is_file():
        raise SourceError(
            f"{where}: a model folder alone, of the base {base!r}, which is not here; {ADVICE}, or name its whole trial"
        )
    start = _named(model, model.adapter_mode, deepest - 1)
    return start if model.adapter is None else _with_adapter(start, model.adapter, model.adapter_mode)


def _base_of(where: Path, name: str, deepest: int) -> Start:
    """The base that an adapter's config names: an address, an existing folder, or a name on the hub."""
    base = read_json(where / ADAPTER).get("base_model_name_or_path")
    if not isinstance(base, str) or not base.strip():
        raise SourceError(f"{name}: an adapter whose {ADAPTER} names no base; {ADVICE}")
    if not base.startswith(KINDS):
        if not Path(base).is_dir() and (not HUB_NAME.fullmatch(base) or base.startswith(".")):
            raise SourceError(f"{name}: an adapter of {base[:100]}, which is not there; {ADVICE}")
        base = f"file:{base}" if Path(base).is_dir() else f"hf:{base}"
    try:
        return _named(ModelSection(name=base), None, deepest - 1)
    except SourceError as error:
        raise SourceError(f"{name}: its base cannot be read; {ADVICE}: {error}") from error
