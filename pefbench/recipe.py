"""The schema of a recipe: strict and typed; each field says what it means and in which unit.

A recipe names only what differs from the defaults. What holds is, from weakest to strongest: the defaults here, those
of the task, those of the method, the recipe's file, and the overrides (``-o train.epochs=1``).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, Field, ValidationError

from pefbench.errors import RecipeError, suggest
from pefbench.methods import Method
from pefbench.metrics import name_of
from pefbench.registry import find, names
from pefbench.sections import DataSection, EvaluateSection, ModelSection, Section, TrainSection
from pefbench.tasks import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from pefbench.sections import NamedMetric


class Recipe(Section):
    """One trial: fully resolved, nothing left to default."""

    name: str = Field(description="the recipe file's name without its suffix; the results' folder")
    task: str
    options: Options
    model: ModelSection
    data: DataSection
    method: Method
    train: TrainSection
    evaluate: EvaluateSection

    def resolved(self) -> dict[str, Any]:
        """Return every field as plain JSON-able values; `load_resolved` reads it back."""
        values = self.model_dump(mode="json")
        # By their own classes: the schema here names only the bases.
        return values | {"options": self.options.model_dump(mode="json"), "method": self.method.model_dump(mode="json")}


SECTIONS: dict[str, type[Section]] = {
    "model": ModelSection,
    "data": DataSection,
    "train": TrainSection,
    "evaluate": EvaluateSection,
}

OF_ANY_SOURCE = {"source", "leaks", "on_bad_row"}
# Fields that describe one source (one model, one method): an override of the key drops what the file says of them.
DESCRIBED_BY = {
    ("data", "source"): [("data", key) for key in DataSection.model_fields if key not in OF_ANY_SOURCE],
    ("model", "name"): [("model", "revision"), ("model", "sha256")],
}


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe's file, apply ``key.path=value`` overrides, and resolve every default.

    Raises RecipeError, with the file and the YAML path of the first mistake.
    """
    raw = read_yaml(path)
    for override in overrides:
        _override(raw, override)
    try:
        return resolve(raw, name=path.stem)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def load_resolved(values: Mapping[str, Any]) -> Recipe:
    """Read back what `Recipe.resolved` gave (from a result or from a trial's folder)."""
    return resolve({key: value for key, value in values.items() if key != "name"}, name=values["name"])


def resolve(raw: Mapping[str, Any], *, name: str) -> Recipe:
    """Lay a recipe's values over the defaults of its task and its method, and validate the whole."""
    _check_keys(raw, {key: None for key in Recipe.model_fields if key != "name"}, "")
    task = find("task", _text(raw.get("task"), "task"))
    options = validate(task.options, _mapping(raw.get("options"), "options"), "options.")
    chosen = _mapping(raw.get("method"), "method")
    method_class: type[Method] = find("method", _text(chosen.get("name"), "method.name"))
    method = validate(method_class, dict(chosen), "method.")
    values: dict[str, Any] = {"name": name, "task": raw["task"], "options": options, "method": method}
    for section, schema in SECTIONS.items():
        given = _mapping(raw.get(section), section)
        base = dict(task.defaults.get(section, {}))
        if section == "evaluate":
            base = {"metrics": list(task.metrics)} | base
        if section == "train":
            base |= method.train_defaults()
        if section == "data" and given.get("source", base.get("source")) != base.get("source"):
            base = {}
        values[section] = validate(schema, base | given, f"{section}.")
    values["evaluate"] = _with_checked_metrics(values["evaluate"])
    recipe = Recipe.model_construct(**values)
    _check_columns(recipe, task.columns)
    _check_quantize(recipe)
    return recipe


def _check_columns(recipe: Recipe, columns: Iterable[str]) -> None:
    for key in recipe.data.columns:
        if key not in columns:
            raise RecipeError(f"data.columns.{key}: unknown column of task {recipe.task!r}; {suggest(key, columns)}")


def _with_checked_metrics(section: EvaluateSection) -> EvaluateSection:
    """The section with every metric's name known and its options valid.

    Options that are the metric's defaults are left out: a metric has one spelling, so that a trial has one id.
    """
    metrics = [_checked_metric(named) for named in section.metrics]
    for name, times in Counter(map(name_of, metrics)).items():
        if times > 1:
            raise RecipeError(f"evaluate.metrics: {name} is named {times} times; a result holds one {name}")
    return section.model_copy(update={"metrics": metrics})


def _checked_metric(named: NamedMetric) -> NamedMetric:
    name = name_of(named)
    if name not in names("metric"):
        raise RecipeError(f"evaluate.metrics: unknown metric {name!r}; {suggest(name, names('metric'))}")
    if isinstance(named, str):
        return named
    given = {key: value for key, value in named.items() if key != "name"}
    options = validate(find("metric", name).options_type, given, f"evaluate.metrics.{name}.")
    chosen = options.model_dump(mode="json", exclude_defaults=True)
    return {"name": name, **chosen} if chosen else name


def _check_quantize(recipe: Recipe) -> None:
    quantize, method = recipe.model.quantize, recipe.method
    # The names of all quantised weights end like this: what is found here is found in each of them.
    if quantize != "none" and re.search(method.trainable_pattern, ".weight"):
        raise RecipeError(
            f"model.quantize: {method.name} trains every weight, and {quantize} weights cannot be trained; "
            "set it to none, or train around them (lora on an nf4 model is QLoRA)"
        )


def validate(section: type[BaseModel], values: dict[str, Any], prefix: str) -> Any:
    """Return a section made of `values`. Raises RecipeError with the path, `prefix` first, of the first mistake."""
    try:
        return section.model_validate(values)
    except ValidationError as error:
        # An unknown key first: misspelt, it is also the reason why another is missing.
        mistakes = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        raise RecipeError(f"{_sentence(mistakes[0], section, prefix)}{more}") from None


def _sentence(mistake: ErrorDetails, section: type[BaseModel], prefix: str) -> str:
    path = prefix + ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        return f"{path}: unknown key; {suggest(str(mistake['loc'][-1]), section.model_fields)}"
    if mistake["type"] == "missing":
        return f"{path}: missing"
    return f"{path}: {mistake['msg'][:1].lower()}{mistake['msg'][1:]}, got {mistake['input']!r}"


def _check_keys(raw: Mapping[str, Any], valid: Mapping[str, Any], prefix: str) -> None:
    for key in raw:
        if key not in valid:
            raise RecipeError(f"{prefix}{key}: unknown key; {suggest(str(key), valid)}")


def _mapping(value: object, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: should be a mapping of keys to values, got {value!r}")
    return value


def _text(value: object, path: str) -> str:
    if value is None:
        raise RecipeError(f"{path}: missing")
    if not isinstance(value, str):
        raise RecipeError(f"{path}: should be a name, got {value!r}")
    return value


def _override(raw: dict[str, Any], override: str) -> None:
    """Set ``key.path=value`` in a raw recipe; the value is read as YAML."""
    path, equals, text = override.partition("=")
    keys = tuple(path.split("."))
    if not equals or not all(keys):
        raise RecipeError(f"-o {override}: should be key.path=value, as in -o train.epochs=1")
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        raise RecipeError(f"-o {override}: the value is not YAML") from None
    place = raw
    for depth, key in enumerate(keys[:-1], start=1):
        place[key] = _mapping(place.get(key), ".".join(keys[:depth]))
        place = place[key]
    changed = place.get(keys[-1]) != value
    place[keys[-1]] = value
    if changed:
        _forget_what_described_the_old(raw, keys, value)


def _forget_what_described_the_old(raw: dict[str, Any], keys: tuple[str, ...], value: object) -> None:
    # Overrides come in the user's order: one that describes the new source stands after it, and so stays.
    for section, key in DESCRIBED_BY.get((keys[0], keys[-1]), []) if len(keys) == 2 else []:
        raw[section].pop(key, None)
    if keys == ("method", "name"):
        raw["method"] = {"name": value}
        raw.get("train", {}).pop("learning_rate", None)


class _Loader(yaml.SafeLoader):
    """YAML as people write it: ``2e-3`` is a number, and a key given twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read_yaml(path: Path, *, what: str = "recipe", keys: str = "task, model, data, method, train") -> dict[str, Any]:
    """Return a YAML file's mapping. Raises RecipeError with the line of a mistake; `what` and `keys` are its words."""
    try:
        text = path.read_text(encoding="utf8")
    except FileNotFoundError:
        near = [file.name for file in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
        hint = f"; {suggest(path.name, near)}" if near else ""
        raise RecipeError(f"no {what} at {path}{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read {path}: {error}") from None
    try:
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"{path}:{line}: not a {what}: {error.problem}") from None
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: a {what} is a mapping of keys to values ({keys})")
    return raw
