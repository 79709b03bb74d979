"""The only place that calls `from_pretrained`: code in a folder never runs, and weights are only read from safetensors.

If the caller does not say whether to run a folder's code, transformers asks on the standard input and accepts any "y"
from there. Here the caller always says no. A folder that cannot be used without its code is refused.

The libraries' exceptions for damaged files have no common base class, so any exception becomes a one-line SourceError.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, SourceError
from pefbench.importing import imports
from pefbench.models import architecture, memory
from pefbench.models.patches import notices
from pefbench.models.reading import first_line, reading
from pefbench.models.weight_names import renamed, weight_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PretrainedConfig

CONFIG, TOKENIZER, ADAPTER = "config.json", "tokenizer_config.json", "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
"""The prefix of the names of the model's own weights in an adapter's file."""
SAFE = {"trust_remote_code": False, "local_files_only": True}
ROOM = 2**28
"""The number of bytes that a loaded adapter may take in addition to `GROWTH` times its file's size."""
GROWTH = 100


def tokenizer(folder: Path, name: str, **options: Any) -> Any:
    """The tokenizer in a folder. name: the model's name in messages.

    Raises SourceError if there is no tokenizer, if it is damaged, or if it needs custom code.
    """
    from transformers import AutoTokenizer

    try:
        with _refused(f"{name}: no tokenizer", folder / TOKENIZER):
            return AutoTokenizer.from_pretrained(folder, **options, **SAFE)
    except SourceError as error:
        if not (file := _sentencepiece_file(folder)) or find_spec("sentencepiece") is not None:
            raise
        raise SourceError(
            f"{name}: its tokenizer is a SentencePiece model ({file}), which needs the package sentencepiece: "
            "pip install 'pefbench[sentencepiece]'"
        ) from error


def plain(kind: Any, folder: Path, **options: Any) -> Any:
    """Load a folder with the library alone, as its users do. kind: a class, or an auto class. Nothing is corrected.

    Raises what the library raises.
    """
    return kind.from_pretrained(folder, **options, **SAFE)


def plain_adapter(base: nn.Module, folder: Path, **changes: Any) -> Any:
    """The model with the adapter that PEFT alone loads from a folder, with `changes` to its config.

    Raises what PEFT raises.
    """
    from peft import PeftConfig, PeftModel

    config = PeftConfig.from_peft_type(**{**read_json(folder / ADAPTER), **changes}) if changes else None
    return PeftModel.from_pretrained(base, folder, config=config).eval()


def config(folder: Path, name: str, **changes: Any) -> PretrainedConfig:
    """The config in a folder, with `changes`. Raises SourceError if transformers does not know it."""
    from transformers import AutoConfig

    with _refused(f"{name}: not a model that transformers knows", folder / CONFIG):
        found: PretrainedConfig = AutoConfig.from_pretrained(folder, **changes, **SAFE)
        return found


def model(kind: Any, folder: Path | None, name: str, **options: Any) -> Any:
    """What `kind.from_pretrained` returns for a model class or an auto class.

    folder: None if `options` contain the weights themselves and their config. Prefixes that wrappers left on the names
    of the weights are ignored, and a backbone that `kind` names differently from the class that saved it is found.
    Raises SourceError for weights that cannot be read, or do not fit the config.
    """
    names = weight_names(folder, name) if folder is not None else [*options["state_dict"]]
    described = options.get("config")  # a GGUF file contains its own
    prefixes = ("", "") if described is None else (_prefix_of(kind, described), _prefix_saved(described))
    mapping = renamed(names, *prefixes)
    if mapping:
        options["key_mapping"] = mapping
    with _refused(f"{name}: cannot be loaded", None if folder is None else folder / CONFIG):
        found = kind.from_pretrained(folder, **({"use_safetensors": True} | options), **SAFE)
    if mapping:
        _forget_mapping(found[0] if isinstance(found, tuple) else found, len(mapping))
    return found


def encoder_decoder(encoder: Path, name: str) -> Any:
    """An encoder-decoder from two copies of an encoder. Raises SourceError if this is impossible."""
    from transformers import EncoderDecoderModel

    halves = {f"{half}_{key}": value for half in ("encoder", "decoder") for key, value in SAFE.items()}
    with _refused(f"{name}: cannot be turned into a decoder", encoder / CONFIG):
        return EncoderDecoderModel.from_encoder_decoder_pretrained(
            str(encoder), str(encoder), encoder_use_safetensors=True, decoder_use_safetensors=True, **halves
        )


def adapter(base: nn.Module, folder: Path) -> nn.Module:
    """The model with the adapter in a folder, and the head that was trained with it.

    Raises DataError for an adapter that is damaged, lacks the head or another weight, or names custom code.
    """
    from peft import PeftModel

    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise DataError(f"{folder}: no {ADAPTER_WEIGHTS} beside {ADAPTER}")
    _refuse_imports(folder / ADAPTER)
    most = ROOM + GROWTH * weights.stat().st_size
    heads = architecture.head_modules(base)
    what = f"{folder}: the adapter"
    damaged, large = reading(f"{what} cannot be loaded", DataError), memory.limit(what, most, DataError)
    with damaged, large, notices.missing_weights_are_errors(), imports.later():
        loaded: nn.Module = PeftModel.from_pretrained(base, folder)
    _check_head(loaded, heads, folder)
    return loaded


def bare_adapter(
    base: nn.Module, folder: Path, weights: Mapping[str, Tensor], name: str
) -> tuple[nn.Module, dict[str, Tensor]]:
    """The model with an adapter but without the adapter's head, and the weights of modules trained in full.

    weights: those of the adapter, without its head. Raises SourceError if the adapter is damaged, does not fit, or
    names custom code.
    """
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict

    _refuse_imports(folder / ADAPTER)
    damaged = reading(f"{name}: the adapter cannot be put on {type(base).__name__}")
    most = ROOM + GROWTH * (folder / ADAPTER_WEIGHTS).stat().st_size
    with damaged, memory.limit(f"{name}: the adapter", most, SourceError):
        config: Any = PeftConfig.from_pretrained(folder)
        config.task_type = config.modules_to_save = None
        config.inference_mode = True
        wrapped: Any = PeftModel(base, config)
        places = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
    whole = {key: weight for key, weight in weights.items() if key not in places and _is_whole(key, wrapped)}
    rest = {key: weight for key, weight in weights.items() if key not in whole}
    if config.peft_type != "ADALORA":  # its sizes depend on the ranks that are left
        check_fit(rest, {key: tuple(place.shape) for key, place in places.items()}, name, every=True)
    with reading(f"{name}: the adapter cannot be put on {type(base).__name__}"):
        set_peft_model_state_dict(wrapped, rest)
    return wrapped, whole


def check_fit(
    weights: Mapping[str, Tensor], places: Mapping[str, tuple[int, ...]], name: str, *, every: bool = False
) -> None:
    """Raise SourceError unless each weight has a place of its size. every: each place must also have a weight."""
    unknown = sorted(weights.keys() - places.keys())
    other = sorted(key for key in weights.keys() & places.keys() if tuple(weights[key].shape) != places[key])
    lacking = sorted(places.keys() - weights.keys()) if every else []
    if not unknown and not other and not lacking:
        return
    reasons = [f"{len(unknown)} are not in the model ({unknown[0]})"] if unknown else []
    if other:
        theirs, ours = (" x ".join(map(str, size)) for size in (weights[other[0]].shape, places[other[0]]))
        reasons.append(f"{len(other)} have other sizes ({other[0]}: {theirs}, in the model {ours})")
    reasons += [f"{len(lacking)} are missing ({lacking[0]})"] if lacking else []
    raise SourceError(f"{name}: the adapter's {len(weights)} weights do not fit the base: {'; '.join(reasons)}")


def _is_whole(key: str, wrapped: Any) -> bool:
    """Whether a weight in an adapter's file is one of the model itself: see PEFT's `modules_to_save`."""
    return key.removeprefix(PREFIX) in _own_names(wrapped)


def _own_names(wrapped: Any) -> set[str]:
    """The names of the model's weights without the adapter."""
    return {name.removeprefix(PREFIX).replace(".base_layer.", ".") for name in wrapped.state_dict()}


def read_json(file: Path) -> Mapping[str, object]:
    """The object in a JSON file; empty if there is no file. Raises SourceError for anything else."""
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{file}: cannot be read as JSON: {first_line(error)}") from error
    if not isinstance(found, dict):
        raise SourceError(f"{file}: should hold a JSON object, holds a {type(found).__name__}")
    return found


def refuse_own_classes(file: Path, kind: str, name: str) -> list[str]:
    """The classes that a config's `auto_map` names of this kind (AutoModel..., AutoTokenizer); none is run.

    Raises SourceError if transformers has no class of that name, because it would then use another one.
    """
    import transformers

    mapping = read_json(file).get("auto_map")
    named = mapping if isinstance(mapping, dict) else {}
    found = [named[key] for key in sorted(named) if str(key).startswith(kind)]
    classes = [str(each) for one in found for each in (one if isinstance(one, list) else [one]) if each]
    if classes and not any(each.rpartition(".")[2] in dir(transformers) for each in classes):
        raise SourceError(
            f"{name}: it needs custom code ({classes[0][:100]}, named in {file.name}), and code from a source is "
            "never run"
        )
    return classes


def _sentencepiece_file(folder: Path) -> str:
    """The SentencePiece file that a tokenizer is converted from; "" if there is a fast tokenizer."""
    if (folder / "tokenizer.json").is_file():
        return ""
    return next((file.name for suffix in ("model", "spm") for file in sorted(folder.glob(f"*.{suffix}"))), "")


@contextmanager
def _refused(what: str, described: Path | None) -> Iterator[None]:
    """Turn a library's exceptions about a user's files into a SourceError.

    described: the file that would name the folder's own code; if it does, that is given as the reason.
    """
    try:
        with reading(what), imports.later():
            yield
    except SourceError as error:
        if described is None or not _names_code(described):
            raise
        reason = f"it needs custom code (auto_map in {described.name}), and code from a source is never run"
        raise SourceError(f"{what}: {reason}") from error


def _forget_mapping(loaded: Any, patterns: int) -> None:
    """Save the model under its own names: transformers would write the patterns into the names."""
    loaded._weight_conversions = loaded._weight_conversions[patterns:]  # our own patterns come first


def _prefix_of(kind: Any, config: PretrainedConfig) -> str:
    """The prefix of the backbone's weight names in a class, or in an auto class's class for a config."""
    known: Any = getattr(kind, "_model_mapping", None)
    found: str = (kind if known is None else known[type(config)]).base_model_prefix
    return found


def _prefix_saved(config: PretrainedConfig) -> str:
    """The same prefix in the class that saved the checkpoint; "" if unknown."""
    import transformers

    saved = getattr(transformers, str((config.architectures or [""])[0]), None)
    return str(getattr(saved, "base_model_prefix", ""))


def _names_code(file: Path) -> bool:
    try:
        return bool(read_json(file).get("auto_map"))
    except SourceError:
        return False


def _check_head(loaded: Any, heads: list[str], folder: Path) -> None:
    """Raise DataError if the adapter does not contain the head, which is then random."""
    from peft.utils import ModulesToSaveWrapper

    for head in heads:
        if not isinstance(loaded.get_base_model().get_submodule(head), ModulesToSaveWrapper):
            raise DataError(f"{folder}: the adapter does not hold the model's head ({head}): see modules_to_save")


def _refuse_imports(file: Path) -> None:
    """Raise DataError for an adapter whose config names modules that PEFT would import."""
    try:
        found = read_json(file)
    except SourceError as error:
        raise DataError(str(error)) from error
    mapping = found.get("auto_mapping")
    library = mapping.get("parent_library") if isinstance(mapping, dict) else mapping
    if library is not None and not str(library).startswith("transformers."):
        raise DataError(f"{file}: auto_mapping names custom code ({library}), and code from a source is never run")
    if found.get("megatron_config") is not None:
        raise DataError(f"{file}: megatron_config names a module to import, and code from a source is never run")
