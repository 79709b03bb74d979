"""The schema of a comparison file: what is compared, how each method is tuned, and with which seeds.

The base recipe sets what all methods share: the data, the model and the metric. Each method has its own section and
its own search. A search must not change anything that would make the methods answer different questions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from pefbench.compare import search
from pefbench.compare.budget import Budget
from pefbench.compare.defaults import with_defaults
from pefbench.errors import RecipeError, suggest
from pefbench.recipe import MOST, SECTIONS, load_recipe, validate
from pefbench.registry import find, names
from pefbench.search.space import Space, override
from pefbench.sections import Section
from pefbench.yaml_text import Values, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.recipe import Recipe
    from pefbench.results.verdict_schema import Setting

SEARCHABLE = ("method", "train", "model")
FIXED = (
    *("train.seed", "train.precision", "train.max_examples", "train.threads", "train.evaluate"),
    *("model.name", "model.revision"),
)
"""Fields that must be the same for all methods, although their section may be searched."""


LONGEST_NAME = 200
"""Bytes of a method's name: file systems take 255."""
MOST_SEEDS = 1000
"""A plan lists every trial: a number of seeds beyond this is a slip of the pen."""


def _are_seeds(value: object) -> object:
    """Refuse in one sentence what is neither a number nor a list of numbers."""
    if all(type(each) is int for each in (value if isinstance(value, list) else [value])):
        return value
    raise PydanticCustomError("seeds", "should be a number of seeds, or a list of them, as in [1, 2, 3]")


Seeds = Annotated[int | list[int], BeforeValidator(_are_seeds)]


class Entry(Section):
    """One method of a comparison."""

    # Any: each method has its own options, which the recipe checks.
    method: Values = Field(
        description="the recipe's method section: its name and options; if left out, the method that the key names"
    )
    # Any: lists of values or distributions, which `search` checks.
    search: Values = Field(
        min_length=1,
        description="recipe field (train.learning_rate, method.rank, ...) -> a list of values, of which every "
        "combination is tried; or a distribution to draw from: {choice: [...]}, {uniform: [low, high]} or "
        "{log_uniform: [low, high]}. If left out: three learning rates, the method's default and half a decade to "
        "either side; with `search`, a range from a tenth of the default to ten times it",
    )


Finite = Annotated[float, Field(allow_inf_nan=False)]


class Pscp(Section):
    """Constants of the composite score: see `pscp`. A cost that equals its constant halves the score, at beta 1."""

    parameters: Finite = Field(gt=0, description="trainable parameters")
    seconds_per_1000: Finite = Field(gt=0, description="inference seconds per 1,000 examples")
    memory_bytes: Finite = Field(gt=0, description="peak memory of training, bytes")
    beta_parameters: Finite = Field(1.0, ge=0, description="weight of the parameters; 0: they do not count")
    beta_seconds: Finite = Field(1.0, ge=0, description="weight of the inference seconds")
    beta_memory: Finite = Field(1.0, ge=0, description="weight of the memory")


class Search(Section):
    """How Optuna tunes each method, instead of listed or drawn settings."""

    sampler: Literal["tpe", "random"] = Field("tpe", description="what proposes settings: tpe or random")
    trials: int = Field(
        20,
        ge=2,
        le=10_000,
        description="the budget of each method: as many training examples as this many settings of the base recipe, "
        "trained to the end, would see; runs that are stopped early leave budget for more settings",
    )
    prune: Literal["asha", "median", "wilcoxon", "none"] = Field(
        "asha",
        description="rule that stops a run early, by its validation after each epoch: asha, median, wilcoxon or none",
    )


class ComparisonFile(Section):
    """A comparison file."""

    name: str = Field(description="the file's name without its suffix; the results' folder")
    recipe: str = Field(
        description="the base recipe: a path from this file's folder, or a name from `pefbench list recipes`"
    )
    methods: dict[str, Entry] = Field(
        min_length=2,
        description="a name of your own -> a method; or a list of methods, each with its default options and search",
    )
    trials: int = Field(
        5,
        ge=1,
        le=10_000,
        description="settings that each method may try, the same number for all. If a list has fewer, the others are "
        "placed one at a time by the validation results: beyond the end of the list if the best is there, else beside "
        "the best. If settings are drawn, the first half (at least three) is drawn from the given ranges; then a range "
        "moves to the best setting if that is at an end of what was tried",
    )
    compute: int | None = Field(
        None,
        gt=0,
        description="instead of `trials`: training examples that all tuning trials of one method may see together "
        "(epochs times training examples, summed over settings and tuning seeds), so that a method with fewer epochs "
        "can try more settings; null: use `trials`",
    )
    search: Search | None = Field(
        None,
        description="instead of `trials`: Optuna proposes each method's settings within its `search`, and unpromising "
        "runs stop early; null: use `trials` or `compute`",
        exclude_if=lambda value: value is None,
    )
    search_seed: int = Field(0, ge=0, description="seed for drawing settings")
    tuning_seeds: list[int] = Field(
        [0], min_length=1, description="train.seed of the tuning trials; a setting is judged by the mean over them"
    )
    seeds: Seeds = Field(
        description="train.seed of the final trials, which train the chosen setting and are scored on test once each; "
        "or a number N for seeds 1 to N and, from N = 2 on, as many again where a method is undecided (looks: [N, 2 "
        "N])",
    )
    looks: list[int] | None = Field(
        None,
        description="numbers of seeds at which pairs are tested, as in [5, 10]: first all methods, then those not "
        "shown to be worse than the best; the looks share the level of 0.05; null: all seeds at once, or as `seeds` "
        "says",
    )
    margin: Finite | None = Field(
        None,
        gt=0,
        description="a difference of the metric that does not matter: methods shown to differ by less are equivalent; "
        "null: a hundredth of the metric's largest value (0.01 of accuracy, 1 of BLEU)",
    )
    metric: str | None = Field(
        None,
        description="the metric value that selects settings on validation and compares methods on test; null: the "
        "headline of the recipe's first metric",
    )
    pscp: Pscp | None = Field(None, description="constants of the composite score; null: it is not computed")

    @property
    def budget(self) -> Budget:
        """What each method may spend on tuning."""
        trials = self.trials if self.compute is None else None
        return Budget(trials, self.compute, len(self.tuning_seeds))

    @property
    def all_seeds(self) -> list[int]:
        """train.seed of the final trials, of all looks."""
        return [*range(1, self.looked_at[-1] + 1)] if isinstance(self.seeds, int) else self.seeds

    @property
    def looked_at(self) -> list[int]:
        """The numbers of seeds at which pairs are tested."""
        if self.looks is not None:
            return self.looks
        if isinstance(self.seeds, list):
            return [len(self.seeds)]
        return [self.seeds, 2 * self.seeds] if self.seeds > 1 else [1]  # with one seed, no method is undecided


def load_comparison(
    path: Path, overrides: Iterable[str] = (), methods: Sequence[str] = ()
) -> tuple[ComparisonFile, dict[str, list[Setting]]]:
    """Read a comparison file. Return it with the settings of each method, all of which make valid recipes.

    overrides: as for a recipe, applied to the base recipe. methods: the methods of the file to compare; none: all.
    Raises RecipeError with the YAML path of the first mistake.
    """
    keys = [name for name in ComparisonFile.model_fields if name != "name"]
    raw = read_yaml(path, what="comparison", keys=", ".join(keys))
    if "task" in raw and "recipe" not in raw:
        raise RecipeError(f"{path}: a recipe, not a comparison file; run it with: pefbench run {path}")
    try:
        comparison = _validated(raw, keys, path.stem)
        _check_budget(comparison)
        _check_seeds(comparison)
        _check_looks(comparison)
        comparison = _of_methods(comparison, methods)
        settings = {name: _settings(comparison, name) for name in comparison.methods}
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None
    base = base_of(path, comparison)
    load_recipe(base, overrides)  # reports mistakes of the base recipe as such, before those of the methods
    for name, tried in settings.items():
        entry = comparison.methods[name]
        ends = space_of(entry, "").extremes() if search.is_drawn(entry.search) else ()
        for setting in (*tried, *ends):
            recipe_of(comparison, base, name, setting, 0, overrides, where=path)
    return comparison, settings


def base_of(path: Path, comparison: ComparisonFile) -> Path:
    """The base recipe of a comparison file: what lies there from the file's folder, else what its name stands for."""
    named = Path(comparison.recipe)
    there = path.parent / named
    is_name = str(named.parent) in {".", "hub"} and not named.suffix
    return named if is_name and not there.exists() else there


def recipe_of(
    comparison: ComparisonFile,
    base: Path,
    name: str,
    setting: Setting,
    seed: int,
    overrides: Iterable[str] = (),
    *,
    where: Path | None = None,
) -> Recipe:
    """The recipe of one trial: the base with the method, the setting and the seed. Raises RecipeError."""
    changes = {"method": comparison.methods[name].method, **setting, "train.seed": seed}
    laid = [*overrides, *(override(field, value) for field, value in changes.items())]
    try:
        recipe = load_recipe(base, laid)
    except RecipeError as error:
        mistake = str(error).removeprefix(f"{base}: ")
        raise RecipeError(f"{where or base}: methods.{name}: {mistake}") from None
    return recipe.model_copy(update={"name": name})


def _validated(raw: Mapping[str, Any], keys: list[str], name: str) -> ComparisonFile:
    if unknown := next((key for key in raw if key not in keys), None):
        raise RecipeError(f"{unknown}: unknown key; {suggest(unknown, keys)}")
    comparison: ComparisonFile = validate(ComparisonFile, {**with_defaults(raw), "name": name}, "")
    return comparison


def _of_methods(comparison: ComparisonFile, methods: Sequence[str]) -> ComparisonFile:
    """The comparison, restricted to these methods. Raises RecipeError for an unknown method or fewer than two."""
    if not methods:
        return comparison
    for name in methods:
        if name not in comparison.methods:
            raise RecipeError(f"--method {name}: no method of this comparison; {suggest(name, comparison.methods)}")
    kept = {name: entry for name, entry in comparison.methods.items() if name in methods}
    if len(kept) < 2:
        raise RecipeError(f"--method {methods[0]}: a comparison needs two or more methods")
    return comparison.model_copy(update={"methods": kept})


def _check_budget(comparison: ComparisonFile) -> None:
    if comparison.compute is not None and "trials" in comparison.model_fields_set:
        raise RecipeError("compute: replaces `trials`; name one of the two")
    if comparison.search is None:
        return
    for field in ("compute", "trials"):
        if field in comparison.model_fields_set and getattr(comparison, field) is not None:
            raise RecipeError(f"search: replaces `{field}`; name one of the two")
    if len(comparison.tuning_seeds) > 1:
        raise RecipeError("tuning_seeds: should be one seed with `search`, whose runs are compared as they train")


def _check_seeds(comparison: ComparisonFile) -> None:
    if isinstance(comparison.seeds, int) and not 1 <= comparison.seeds <= MOST_SEEDS:
        raise RecipeError(f"seeds: should be from 1 to {MOST_SEEDS:,}, or a list, got {comparison.seeds:,}")
    given = {"seeds": comparison.seeds, "tuning_seeds": comparison.tuning_seeds}
    for field, seeds in {name: each for name, each in given.items() if isinstance(each, list)}.items():
        if not seeds:
            raise RecipeError(f"{field}: should have a seed")
        for place, seed in enumerate(seeds):
            if not 0 <= seed <= MOST or seed in seeds[:place]:
                raise RecipeError(f"{field}.{place}: should be a new number of 0 or more, up to 2^63 - 1, got {seed}")


def _check_looks(comparison: ComparisonFile) -> None:
    looks = comparison.looks
    if looks is None:
        return
    if not looks or looks[0] < 2 or looks != sorted({*looks}):
        raise RecipeError(f"looks: should be numbers of seeds, rising from 2 or more, as in [5, 10], got {looks}")
    if looks[-1] > MOST_SEEDS:
        raise RecipeError(f"looks.{len(looks) - 1}: should be at most {MOST_SEEDS:,} seeds, got {looks[-1]:,}")
    most = len(comparison.seeds) if isinstance(comparison.seeds, list) else None
    if most is not None and looks[-1] != most:
        raise RecipeError(f"looks.{len(looks) - 1}: should be {most}, as many as there are seeds, got {looks[-1]}")
    if most is None and looks[0] != comparison.seeds:
        raise RecipeError(f"looks.0: should be {comparison.seeds}, as `seeds` says, got {looks[0]}")


def _settings(comparison: ComparisonFile, name: str) -> list[Setting]:
    path = f"methods.{name}"
    if not name.strip() or not name.isprintable() or "/" in name or name.startswith("."):
        raise RecipeError(
            f"{path}: a method's name is also a folder's, so it should have letters, and neither a / nor a line break "
            "in it, nor a dot at its start"
        )
    if len(name.encode()) > LONGEST_NAME:
        raise RecipeError(f"{path}: a method's name is also a folder's, so it should be at most {LONGEST_NAME} bytes")
    entry = comparison.methods[name]
    _check_fields(entry.search, f"{path}.search")
    whole = whole_numbers(entry)
    if comparison.search is not None:  # only to check the space: Optuna proposes the settings
        return [*space_of(entry, path).extremes()]
    return search.settings(entry.search, comparison.budget.trials, comparison.search_seed, f"{path}.search", whole)


def space_of(entry: Entry, path: str) -> Space:
    """The space that Optuna searches for a method. Raises RecipeError with a message that begins with `path`."""
    listed = {field: {"choice": given} if isinstance(given, list) else given for field, given in entry.search.items()}
    return Space(search.ways(listed, f"{path}.search", whole_numbers(entry)))


def whole_numbers(entry: Entry) -> set[str]:
    """The searched fields that take only whole numbers, such as train.batch_size."""
    return {field for field in entry.search if _is_whole(field, str(entry.method.get("name")))}


def _is_whole(field: str, method: str) -> bool:
    section, _, name = field.partition(".")
    known = section in SECTIONS or method in names("method")
    schema = (find("method", method) if section == "method" else SECTIONS[section]) if known else None
    info = schema.model_fields.get(name) if schema is not None else None
    return info is not None and info.annotation in {int, int | None}


def _check_fields(ranges: Mapping[str, Any], path: str) -> None:
    for field in ranges:
        section = field.partition(".")[0]
        if section == field:
            raise RecipeError(f"{path}.{field}: no field; write it with its section, as in train.learning_rate")
        if field in FIXED or field == "method.name" or section not in SEARCHABLE:
            allowed = ", ".join(f"{each}.*" for each in SEARCHABLE)
            raise RecipeError(
                f"{path}.{field}: may not be searched: methods would differ in more than how they are trained; "
                f"valid: {allowed}, but not {', '.join(FIXED)}"
            )
