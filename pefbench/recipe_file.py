"""Reads a recipe's file: finds it by its name, and applies `extends`, the entries of `methods`, and overrides.

A file may extend another (``extends: ner.yaml``, relative to itself) and may set fields for a single method::

    methods:
      full: {train: {learning_rate: 1.0e-4}}
      lora: {}

Later values override earlier ones: the extended file, its entry for the chosen method, the file itself, its
entry for the method, and overrides, whose order does not matter. Options and the learning rate of another method
are dropped, and so are fields that describe another data set or another model.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError, quoted, suggest
from pefbench.registry import names, recipes
from pefbench.sections import DataSection
from pefbench.yaml_text import Values, parse, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ENTRY = ("method", "model", "options", "train", "evaluate", "search")
"""The sections that an entry of `methods` may set."""
SEARCH = "search"
"""The section for `pefbench search`; trials ignore it."""

OF_ANY_SOURCE = {"source", "leaks"}
DESCRIBED_BY = {
    ("data", "source"): [key for key in DataSection.model_fields if key not in OF_ANY_SOURCE],
    ("model", "name"): ["revision", "sha256", "adapter", "adapter_mode"],
}
"""Section and field that name a data set or a model -> fields of that section that describe it. Naming another one
drops these.
"""


@dataclass(frozen=True)
class Override:
    """One ``key.path=value``."""

    keys: tuple[str, ...]
    value: object

    @classmethod
    def read(cls, text: str) -> Override:
        """Parse ``train.epochs=1``; the value is YAML. Raises RecipeError."""
        path, equals, value = text.partition("=")
        keys = tuple(path.split("."))
        if not equals or not all(keys):
            raise RecipeError(f"-o {text}: should be key.path=value, as in -o train.epochs=1")
        try:
            return cls(keys, parse(value))
        except RecipeError:
            raise RecipeError(f"-o {text}: the value is not YAML") from None


def read_recipe(path: Path, overrides: Iterable[str] = (), method: str | None = None) -> tuple[Values, str]:
    """The values of a recipe's file for one method, with the overrides, and the recipe's name.

    path: a file, or a recipe's name; see `locate`. method: the same as the override ``method.name``. The recipe's name
    is the file's, without its suffix; if the method was chosen, or can be, it is ``<method>_<file>``.
    Raises RecipeError.
    """
    values, name = _read(path, overrides, method)
    return {section: content for section, content in values.items() if section != SEARCH}, name


def read_search(path: Path, overrides: Iterable[str] = (), method: str | None = None) -> Values:
    """A recipe's section `search` for one method, with the overrides; empty if it has none. See `read_recipe`.

    Raises RecipeError.
    """
    return mapping(_read(path, overrides, method)[0].get(SEARCH), SEARCH)


def _read(path: Path, overrides: Iterable[str], method: str | None) -> tuple[Values, str]:
    """Everything that the file says for one method, and the recipe's name."""
    file, named = locate(path)
    files = _files(file)
    laid = [Override.read(text) for text in overrides]
    chosen = _chosen(laid, method) or named
    own = next((name for each in reversed(files) if (name := _method_name(each))), None)
    values = _of_method(files, chosen or own)
    if chosen is not None:
        laid.append(Override(("method", "name"), chosen))
    _override(values, laid)
    if method is None and named is None and not any("methods" in each for each in files):
        return values, file.stem
    return values, f"{chosen or own}_{file.stem.removeprefix(f'{own}_')}"


def locate(path: Path) -> tuple[Path, str | None]:
    """The file for a recipe's path or name, and the method if it is a part of the name.

    ``ner`` is ``recipes/ner.yaml``; ``lora_ner``, if there is no such file, is the same with the method ``lora``. A
    path works alike, because each method once had its own file; ``hub/`` may precede a name. Any other path is returned
    unchanged.
    """
    if _is(path, Path.is_file):
        return path, None
    is_name = str(path.parent) in {".", "hub"} and path.suffix != ".yaml"
    named = {file.stem: file for file in reversed(recipes())}
    return _of_name(path.name, named) if is_name else _at_path(path, named)


def _of_name(name: str, named: Mapping[str, Path]) -> tuple[Path, str | None]:
    if name in named:
        return named[name], None
    if found := _of_data(name, named):
        return found
    if name in names("task") and (own := [stem for stem, file in named.items() if _is_of(name, file)]):
        raise RecipeError(f"no recipe {name!r}: it is a task; its recipes: {', '.join(sorted(own))}")
    close = get_close_matches(name, sorted(named), n=1)
    near = f"did you mean {close[0]!r}? " if close else ""
    raise RecipeError(f"no recipe {name!r}: {near}a recipe is a YAML file, or one of `pefbench list recipes`")


def _at_path(path: Path, named: Mapping[str, Path]) -> tuple[Path, str | None]:
    name, folder_exists = path.stem, _is(path.parent, Path.is_dir)
    if found := _of_data(name, {file.stem: file for file in path.parent.glob("*.yaml")} if folder_exists else {}):
        return found
    if not _is(path, Path.exists) and (name in named or _of_data(name, named)):
        raise RecipeError(f"no recipe at {path}; pefbench has its own of that name: give {name} in place of the path")
    if not folder_exists and (close := get_close_matches(name, named, n=1, cutoff=0.75)):
        raise RecipeError(f"no recipe at {path}; did you mean {close[0]}?")
    return path, None


def _of_data(name: str, files: Mapping[str, Path]) -> tuple[Path, str] | None:
    """The data set's file and the method in a name such as ``lora_ner``, if it is one."""
    for method in sorted(names("method"), key=len, reverse=True):
        data = name.removeprefix(f"{method}_")
        if data != name and data in files:
            return files[data], method
    return None


def methods_of(path: Path) -> list[str]:
    """The methods that a recipe's own file has entries for, in its order. Raises RecipeError."""
    content = read_yaml(path)
    _check_entries(content, path)
    return list(content.get("methods") or ())


def _is_of(task: str, file: Path) -> bool:
    """Whether a recipe's file names the task; works for broken files, too."""
    return f"task: {task}" in file.read_text(encoding="utf8", errors="replace").splitlines()


def _is(path: Path, what: Callable[[Path], bool]) -> bool:
    try:
        return what(path)
    except (OSError, ValueError):  # as for a name with thousands of characters, or with a zero byte
        return False


def _files(file: Path, above: tuple[Path, ...] = ()) -> list[Values]:
    """The content of a recipe's file, preceded by that of the files that it extends."""
    content = read_yaml(file)
    if "recipe" in content and not {"task", "extends"} & content.keys():
        raise RecipeError(f"{file}: a comparison, not a recipe: pefbench compare {file}")
    here = file.resolve()
    if here in above:
        way = " -> ".join(each.name for each in (*above[above.index(here) :], here))
        raise RecipeError(f"{file}: extends: is circular: {way}")
    base = content.pop("extends", None)
    _check_entries(content, file)
    if base is None:
        return [content]
    if not isinstance(base, str):
        raise RecipeError(f"{file}: extends: should be the name of a recipe's file, got {quoted(base)}")
    if not _is(file.parent / base, Path.is_file):
        near = [each.name for each in file.parent.glob("*.yaml") if each.name != file.name]
        raise RecipeError(f"{file}: extends: no recipe at {file.parent / base}; {suggest(base, near)}")
    return [*_files(file.parent / base, (*above, here)), content]


def _check_entries(content: Values, file: Path) -> None:
    for name, entry in mapping(content.get("methods"), f"{file}: methods").items():
        if name not in names("method"):
            raise RecipeError(f"{file}: methods.{name}: unknown method; {suggest(str(name), names('method'))}")
        for key, values in mapping(entry, f"{file}: methods.{name}").items():
            if key not in ENTRY:
                raise RecipeError(f"{file}: methods.{name}.{key}: unknown key; {suggest(str(key), ENTRY)}")
            if "name" in mapping(values, f"{file}: methods.{name}.{key}") and key == "method":
                raise RecipeError(f"{file}: methods.{name}.method.name: is the entry's own name; leave it out")


def _chosen(overrides: Iterable[Override], method: str | None) -> str | None:
    """The method that the user chose, or None: the file's own. Raises RecipeError if two are chosen."""
    overridden = _method_name(_tree(overrides))
    if None not in {method, overridden} and method != overridden:
        raise RecipeError(f"--method {method} and -o method.name={overridden}: two methods; give one")
    return method or overridden


def _of_method(files: Sequence[Values], method: str | None) -> Values:
    """Merge each file into the one that it extends, with its entry for the method."""
    values: Values = {}
    own = None
    for file in files:
        content = {key: value for key, value in file.items() if key != "methods" and value is not None}
        own = _method_name(content) or own
        if own not in {None, method}:
            content = _without_method(content)
        values = _lay(values, content)
        values = _lay(values, (file.get("methods") or {}).get(method) or {})
    return values


def _without_method(content: Values) -> Values:
    kept = {key: value for key, value in content.items() if key != "method"}
    if isinstance(kept.get("train"), dict):
        kept["train"] = {key: value for key, value in kept["train"].items() if key != "learning_rate"}
    return kept


def _lay(under: Values, over: Values) -> Values:
    """Merge a recipe's values into others, section by section. Neither is changed."""
    result: Values = _copied(under)
    _forget(result, over)
    for section, content in over.items():
        if isinstance(content, dict) and isinstance(result.get(section), dict):
            result[section] |= _copied(content)
        else:
            result[section] = _copied(content)
    return result


def _override(values: Values, overrides: Iterable[Override]) -> None:
    """Apply the overrides: whole sections first, then fields, so that their order does not matter."""
    overrides = list(overrides)
    _forget(values, _tree(overrides))
    _set(values, overrides)


def _tree(overrides: Iterable[Override]) -> Values:
    """The overrides as a file's content."""
    tree: Values = {}
    _set(tree, overrides)
    return tree


def _set(values: Values, overrides: Iterable[Override]) -> None:
    for each in sorted(overrides, key=lambda each: len(each.keys)):
        _set_one(values, each)


def _set_one(values: Values, override: Override) -> None:
    place = values
    for depth, key in enumerate(override.keys[:-1], start=1):
        place[key] = mapping(place.get(key), ".".join(override.keys[:depth]))
        place = place[key]
    place[override.keys[-1]] = _copied(override.value)


def _forget(values: Values, over: Values) -> None:
    """Drop fields that describe another data set or model than the one that the new values name."""
    for (section, key), described in DESCRIBED_BY.items():
        new, old = over.get(section), values.get(section)
        if isinstance(new, dict) and key in new and isinstance(old, dict) and old.get(key) != new[key]:
            for field in described:
                old.pop(field, None)


def _method_name(values: Values) -> str | None:
    method = values.get("method")
    name = method.get("name") if isinstance(method, dict) else None
    return name if isinstance(name, str) else None


def _copied(value: Any) -> Any:
    """A copy with its own mappings: aliases in YAML put the same mapping in two places."""
    return {key: _copied(each) for key, each in value.items()} if isinstance(value, dict) else value


def mapping(value: object, path: str) -> Values:
    """A section's values; none if it is empty. Raises RecipeError if it is not a mapping."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: should be a mapping of keys to values, got {quoted(value)}")
    return value
