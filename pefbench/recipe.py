"""The schema of a recipe: strict and typed; each field has a description with its meaning and unit.

A recipe contains only what differs from the defaults. Later values override earlier ones: the defaults here, those of
the task, those of the method, the recipe's file (see `recipe_file`), and overrides (``-o train.epochs=1``).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError

from pefbench import other_names
from pefbench.errors import RecipeError, counted, quoted, suggest
from pefbench.methods import Method
from pefbench.metrics import name_of
from pefbench.recipe_file import SEARCH, mapping, read_recipe
from pefbench.registry import find, names
from pefbench.sections import DataSection, EvaluateSection, ModelSection, Section, TrainSection
from pefbench.tasks import Options

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from pefbench.sections import NamedMetric
    from pefbench.yaml_text import Values


Validated = TypeVar("Validated", bound=BaseModel)


class Recipe(Section):
    """One trial: fully resolved, nothing left to default."""

    name: str = Field(description="the results' folder: the file's name without its suffix, or METHOD_FILE")
    task: str
    options: Options
    model: ModelSection
    data: DataSection
    method: Method
    train: TrainSection
    evaluate: EvaluateSection

    def resolved(self) -> Values:
        """Every field as JSON-able values; `load_resolved` reads them back."""
        values = self.model_dump(mode="json")
        # By their own classes: the schema here has only the base classes.
        return values | {"options": self.options.model_dump(mode="json"), "method": self.method.model_dump(mode="json")}

    def requested(self) -> Values:
        """Like `resolved`, without a default maximum length, which the model may lower; for `load_resolved`."""
        values = self.resolved()
        if "max_length" not in self.train.model_fields_set:
            del values["train"]["max_length"]
        return values

    def with_train(self, **changes: object) -> Recipe:
        """A copy with other values for some fields of `train`, which are not validated."""
        return self.model_copy(update={"train": self.train.model_copy(update=changes)})


MOST = 2**63 - 1
"""The largest integer: an int64."""

KEYS = tuple(name for name in Recipe.model_fields if name != "name")

SECTIONS: dict[str, type[Section]] = {
    "model": ModelSection,
    "data": DataSection,
    "train": TrainSection,
    "evaluate": EvaluateSection,
}


def load_recipe(path: Path, overrides: Iterable[str] = (), method: str | None = None) -> Recipe:
    """Read a recipe's file, or a recipe by its name, for a method, and resolve every default; see `recipe_file`.

    Raises RecipeError, with the file and the YAML path of the first mistake.
    """
    values, name = read_recipe(path, overrides, method)
    try:
        return resolve(values, name=name)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def load_resolved(values: Mapping[str, Any]) -> Recipe:
    """Read what `Recipe.resolved` returned (from a result or a trial's folder)."""
    return resolve(
        {key: value for key, value in values.items() if key != "name"}, name=_text(values.get("name"), "name")
    )


def resolve(raw: Mapping[str, Any], *, name: str) -> Recipe:
    """Merge a recipe's values with the defaults of its task and its method, and validate everything."""
    for key in raw:
        if key not in KEYS:
            raise RecipeError(f"{key}: unknown key; {_of_a_section(str(key))}")
    task = find("task", _text(raw.get("task"), "task"))
    options = validate(task.options, mapping(raw.get("options"), "options"), "options.")
    chosen = mapping(raw.get("method"), "method")
    method_class: type[Method] = find("method", _text(chosen.get("name"), "method.name"))
    method = validate(method_class, dict(chosen), "method.")
    values: Values = {"name": name, "task": raw["task"], "options": options, "method": method}
    for section, schema in SECTIONS.items():
        given = mapping(raw.get(section), section)
        base = dict(task.defaults.get(section, {}))
        if section == "evaluate":
            base = {"metrics": list(task.metrics_for(options) if task.metrics_for else task.metrics)} | base
        if section == "train":
            base |= method.train_defaults()
        if section == "data" and given.get("source", base.get("source")) != base.get("source"):
            base = {}
        values[section] = _remembering(validate(schema, base | given, f"{section}."), given)
    values["data"] = _with_seed(values["data"], values["train"].max_examples)
    values["evaluate"] = _with_checked_metrics(values["evaluate"])
    recipe = Recipe.model_construct(**values)
    _check_columns(recipe, task.columns, task.several)
    _check_quantize(recipe)
    _check_evaluations(recipe.train)
    _check_numbers(recipe.resolved(), "")
    return recipe


def _of_a_section(key: str) -> str:
    """A hint for a key outside all sections."""
    fields = [f"{section}.{key}" for section, schema in SECTIONS.items() if key in schema.model_fields]
    ours = fields[0] if fields else other_names.OURS.get(key)
    return f"it is called {ours} here" if ours else suggest(key, [*KEYS, "extends", "methods", SEARCH])


def _remembering(section: Section, given: Mapping[str, Any]) -> Section:
    """The section with the recipe's own keys as its `model_fields_set`: the model may override defaults."""
    return section.model_construct(_fields_set=set(given), **dict(section))


def _with_seed(data: DataSection, max_examples: int | None) -> DataSection:
    """The section with the seed for drawing training examples if they are drawn; otherwise without a seed."""
    seed = None if max_examples is None else data.seed or 0
    return data.model_copy(update={"seed": seed})


def _check_numbers(value: object, path: str) -> None:
    """Refuse numbers that a result, which is JSON, or torch cannot hold."""
    if isinstance(value, dict):
        for key, each in value.items():
            _check_numbers(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            _check_numbers(each, f"{path}.{place}")
    elif (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > MOST):
        raise RecipeError(f"{path}: should be a finite number, up to 2^63 - 1, got {quoted(value)}")


def _check_columns(recipe: Recipe, columns: Iterable[str], several: Container[str]) -> None:
    for key, named in recipe.data.columns.items():
        if key not in columns:
            raise RecipeError(f"data.columns.{key}: unknown column of task {recipe.task!r}; {suggest(key, columns)}")
        if isinstance(named, list) and key not in several:
            raise RecipeError(f"data.columns.{key}: should be one column, got {quoted(named)}")


def _with_checked_metrics(section: EvaluateSection) -> EvaluateSection:
    """The section after checking every metric's name and options.

    Options equal to the metric's defaults are dropped: a metric has one spelling, so that a trial has one id.
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
    # The names of all quantised weights end like this, so a match here is a match in each.
    if quantize != "none" and re.search(method.trainable_pattern, ".weight"):
        raise RecipeError(
            f"model.quantize: {method.name} trains every weight, and {quantize} weights cannot be trained; set it to "
            f"none, or use a method that keeps them frozen (lora on an nf4 model is QLoRA)"
        )


def _check_evaluations(train: TrainSection) -> None:
    """Refuse to select weights by evaluations that do not take place."""
    if train.evaluate == "none" and train.chooses:
        field = "keep: best" if train.keep == "best" else f"patience: {train.patience}"
        raise RecipeError(
            f"train.{field} needs scores on validation during training, but train.evaluate is none; "
            "set that to epoch, or to a number of steps"
        )


def validate(section: type[Validated], values: Values, prefix: str) -> Validated:
    """The section with these `values`. Raises RecipeError with the path, after `prefix`, of the first mistake."""
    try:
        return section.model_validate(values)
    except ValidationError as error:
        # Unknown keys first: a misspelt key also causes a missing one.
        mistakes = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        raise RecipeError(f"{_sentence(mistakes[0], section, prefix)}{more}") from None


def _sentence(mistake: ErrorDetails, section: type[BaseModel], prefix: str) -> str:
    path = prefix + ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        *above, key = map(str, mistake["loc"])
        return f"{path}: unknown key; {_instead(key, _section_at(above, section), path.removesuffix(key))}"
    if mistake["type"] == "missing":
        return f"{path}: missing"
    if mistake["type"] == "list_type" and isinstance(mistake["input"], str):
        return f"{path}: should be a list, got {quoted(mistake['input'])}; write [{mistake['input']}]"
    if mistake["type"] == "too_short":
        fewest = counted(mistake["ctx"]["min_length"], "value")
        return f"{path}: should have {fewest} or more, got {quoted(mistake['input'])}"
    if mistake["type"] in {"dict_type", "model_type"}:
        return f"{path}: should be a mapping, got {quoted(mistake['input'])}"
    is_word = mistake["type"] == "string_type" and isinstance(mistake["input"], bool | int | float | dt.date)
    hint = "; if this is a name, put it in quotes" if is_word else ""
    hint = "; write true or false" if mistake["type"] == "bool_type" else hint
    return f"{path}: {mistake['msg'][:1].lower()}{mistake['msg'][1:]}, got {quoted(mistake['input'])}{hint}"


def _section_at(above: Sequence[str], section: type[BaseModel]) -> type[BaseModel]:
    """The section inside `section` that has the fields below these names."""
    for name in above:
        field = section.model_fields.get(name)
        section = (field and _section_of(field.annotation)) or section
    return section


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field's type is, or has as its values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_of, get_args(annotation))), None)


def _instead(key: str, section: type[BaseModel], prefix: str) -> str:
    """A hint for an unknown key of a section: our name for it, or the valid keys."""
    ours = other_names.OURS.get(key, "")
    inside = ours.startswith(prefix)
    if ours and (not inside or ours.removeprefix(prefix) in section.model_fields):
        return f"it is called {ours} here"
    return suggest(key, section.model_fields)


def _text(value: object, path: str) -> str:
    if value is None:
        raise RecipeError(f"{path}: missing")
    if not isinstance(value, str):
        raise RecipeError(f"{path}: should be a name, got {quoted(value)}")
    return value
