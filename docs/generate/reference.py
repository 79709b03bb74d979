"""The reference: every recipe field, method, task, metric, baseline, format, command and field of a result.

All of it is read off the code, so that what is added shows up by itself; tests/docs hold that nothing is missing.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
from typing import TYPE_CHECKING, Any, is_typeddict

import yaml

from docs.generate import fields
from docs.generate.markdown import code, inline, page, prose, table
from pefbench import registry
from pefbench.metrics import name_of
from pefbench.paths import PROJECT
from pefbench.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import ModuleType


def recipe() -> str:
    """The fields of a recipe, section by section."""
    from pefbench.recipe import SECTIONS

    sections = [
        f"## {name}\n\n{inline(inspect.getdoc(section) or '')}\n\n{fields.of_model(section, f'{name}.')}"
        for name, section in SECTIONS.items()
    ]
    top = table(
        ["Field", "Meaning"],
        [
            [code("extends", "extends"), "the recipe that this one extends: a path, from this file's folder"],
            [code("task", "task"), "the task's name: [tasks](tasks.md)"],
            [code("options", "options"), "options of this task: [tasks](tasks.md)"],
            [code("method", "method"), "`name` and the method's own options: [methods](methods.md)"],
            [code("methods", "methods"), "method → the fields that this data set changes for it"],
        ],
    )
    return page(
        "Recipe",
        "A recipe names a task, a model and data; with a method, it describes one trial. It contains only what differs "
        "from the defaults. Later values override earlier ones, in this order: the defaults below, those of the task, "
        "those of the method, the file that the recipe extends, the recipe's file, its entry for the method under "
        "`methods`, and overrides (`-o train.epochs=1`). The result holds the resolved recipe, with every field. With "
        "the JSON schema that `pefbench schema` prints, editors complete and check recipes; `pefbench list fields` "
        "prints this page.",
        top,
        *sections,
    )


def comparison() -> str:
    """The fields of a comparison file."""
    from pefbench.compare import file

    return page(
        "Comparison file",
        "What all methods share comes from the base recipe. Each method has its own section and search; see "
        "[selection on validation](../concepts/selection.md).",
        fields.of_model(file.ComparisonFile, "", anchor="comparison.", without={"name"}),
        "## Each method\n\n" + fields.of_model(file.Entry, "methods.NAME.", anchor="comparison."),
        "## Optuna\n\n" + fields.of_model(file.Search, "search.", anchor="comparison."),
        "## The composite score\n\n" + fields.of_model(file.Pscp, "pscp.", anchor="comparison."),
    )


def methods() -> str:
    """The methods, each with its paper and its options."""
    return page(
        "Methods", "`method.name` in a recipe chooses one. " + _see_matrix(), *map(_method, registry.names("method"))
    )


def _see_matrix() -> str:
    return "Which method works on which model is in [methods by architecture](../results/matrix.md)."


def _method(name: str) -> str:
    method = registry.find("method", name)
    facts = [f"Default learning rate: {method.learning_rate:g}."]
    if method.merges:
        facts.append("Its weights can be merged into the pretrained ones.")
    return "\n\n".join(
        filter(
            None,
            [
                _heading("method", name),
                prose(_module_doc(method)),
                prose(inspect.getdoc(method) or ""),
                " ".join(facts),
                fields.of_model(method, "method.", anchor=f"{name}.", without={"name"}),
            ],
        )
    )


def tasks() -> str:
    """The tasks, each with its columns, metrics, options and defaults."""
    return page(
        "Tasks",
        "`task` in a recipe chooses one. pefbench looks for its columns under their usual names; `data.columns` gives "
        "others, as in `-o data.columns.label=category`. A number counts columns from 0, a negative one from the last.",
        *map(_task, registry.names("task")),
    )


def _task(name: str) -> str:
    task = registry.find("task", name)
    columns = [
        [code(column), ", ".join(code(str(each)) for each in usual), "optional" if column in task.optional else ""]
        for column, usual in task.columns.items()
    ]
    scored = ", ".join(f"[`{each}`](metrics.md#metric.{each})" for each in map(name_of, task.metrics))
    floors = ", ".join(f"[`{each}`](baselines.md#baseline.{each})" for each in task.baselines) or "none"
    module = importlib.import_module(f"pefbench.tasks.{name}")
    return "\n\n".join(
        filter(
            None,
            [
                _heading("task", name),
                prose(inspect.getdoc(module) or ""),
                f"Head: {task.head}. Metrics: {scored}. Baselines: {floors}.",
                table(["Column", "Usual names in a source", ""], columns),
                fields.of_model(task.options, "options.", anchor=f"{name}."),
                _recipes(name),
                "Defaults:",
                f"```yaml\n{_yaml(task.defaults)}```",
            ],
        )
    )


def _recipes(task: str) -> str:
    """The recipes of a task with where their data come from; a recipe that only extends another is that one's."""
    rows = []
    for file in sorted((PROJECT / "recipes").glob("*.yaml")) + sorted((PROJECT / "recipes" / "hub").glob("*.yaml")):
        values = read_yaml(file)
        if values.get("task") == task and "data" in values:
            shown = ", ".join(code(str(each)) for each in _sources(values["data"]))
            rows.append([code(file.relative_to(PROJECT).as_posix()), shown])
    return table(["Recipe", "Data"], rows) if rows else "pefbench has no recipe for it."


def _sources(data: Any) -> list[str]:
    """Where a recipe's data come from, with the configuration where a data set of the hub has several."""
    config = f" ({data['config']})" if data.get("config") else ""
    return [f"{source}{config}" for source in str(data["source"]).split(" + ")]


def _yaml(values: Any) -> str:
    return yaml.safe_dump({key: dict(value) for key, value in values.items()}, sort_keys=False, width=100)


def metrics() -> str:
    """The metrics, each with its definition, its values and its library."""
    return page(
        "Metrics",
        "A task has its own list; `evaluate.metrics` names others. The first metric's headline ranks trials.",
        *map(_metric, registry.names("metric")),
    )


def _metric(name: str) -> str:
    metric = registry.find("metric", name)
    values = ", ".join(
        f"`{value}` ({'higher' if higher else 'lower'} is better)" for value, higher in metric.higher_is_better.items()
    )
    facts = [f"Headline: `{metric.headline}`." if metric.headline else "", f"Values: {values}." if values else ""]
    return "\n\n".join(
        filter(
            None,
            [
                _heading("metric", name),
                prose(_module_doc(metric)),
                prose(inspect.getdoc(metric) or ""),
                " ".join(filter(None, facts)),
                fields.of_model(metric.options_type, "", anchor=f"{name}."),
            ],
        )
    )


def baselines() -> str:
    """The trivial baselines."""
    return page(
        "Baselines",
        "Answers that need no language model, learned from a trial's training examples. Each task names its own.",
        *(
            f"{_heading('baseline', name)}\n\n{prose(_module_doc(registry.find('baseline', name)))}"
            for name in registry.names("baseline")
        ),
    )


def formats() -> str:
    """The formats that files and folders are read from."""
    from pefbench.sources import readers

    return page(
        "Formats",
        "`data.format` names one. By default the suffix decides, and otherwise what is usual for the task. Text files "
        "may be gzipped. See also [your own data](../how-to/own-data.md).",
        *map(_format, readers.names()),
    )


def _format(name: str) -> str:
    from pefbench.sources import readers
    from pefbench.sources.reader import LayoutReader

    reader = readers.find(name)
    suffixes = ", ".join(f"`{each}`" for each in getattr(reader, "suffixes", ()))
    facts = [f"Recognised by suffix: {suffixes}."] if suffixes else []
    if getattr(reader, "fits", None):
        layout = isinstance(reader, LayoutReader)
        facts.append(
            "Recognised by the files in the folder."
            if layout
            else "Recognised by content, in a `.json` file or one without a known suffix."
        )
    return "\n\n".join(
        filter(
            None,
            [
                _heading("format", name),
                prose(_module_doc(reader.read)),
                prose(inspect.getdoc(reader.read) or ""),
                " ".join(facts),
            ],
        )
    )


def commands() -> str:
    """Every command's help."""
    return page(
        "Commands",
        "Exit status: 0 success, 1 a trial or a check failed, 2 invalid input, with one line that says what is wrong, "
        "where, and what would be right.",
        *(f"{_heading('command', name)}\n\n```text\n{text}```" for name, text in command_helps()),
    )


def command_helps() -> Iterator[tuple[str, str]]:
    """Each command that the help lists, in its order, with its own help."""
    from pefbench.cli import main

    os.environ["COLUMNS"] = "100"
    parser = main._parser()
    [subparsers] = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    for listed in subparsers._choices_actions:
        yield str(listed.dest), subparsers.choices[listed.dest].format_help()


def result() -> str:
    """The fields of a result file and of a verdict."""
    from pefbench.results import classification_report, schema, verdict_schema

    return page(
        "Result file",
        "A trial is one JSON file, `RESULTS/RECIPE/ID.json`; the id is a hash of the resolved recipe and the data. A "
        "comparison's verdict is `RESULTS/COMPARISON/comparison.json`. Fields may be added and are never renamed. A "
        "failed trial lacks what it did not reach.",
        *_records(schema, "result"),
        *_records(classification_report, "report"),
        "# Verdict",
        *_records(verdict_schema, "verdict"),
    )


def _records(module: ModuleType, path: str) -> Iterator[str]:
    for name, record in vars(module).items():
        if is_typeddict(record) and record.__module__ == module.__name__ and not name.startswith("_"):
            doc = inline(" ".join((inspect.getdoc(record) or "").split()))
            yield f"## {name}\n\n{doc}\n\n{fields.of_record(record, f'{path}.{name}')}"


PUBLIC = {
    "pefbench": ["load", "Model", "find", "run", "Json"],
    "pefbench.results.store": ["load_results", "Loaded", "Stored"],
    "pefbench.server": ["application", "Settings", "read_keys", "Requests", "Refusal", "check_text"],
    "pefbench.configuration": ["Section", "read"],
    "pefbench.sources": [
        *("read_rows", "Row", "BadRows", "is_missing", "locate", "read_text"),
        *("split_by_hash", "normalise", "wording", "random_numbers"),
    ],
    "pefbench.atomic": ["writing", "write_text", "write_json"],
    "pefbench.stats.interval": ["Interval", "of_proportion", "of_score"],
    "pefbench.stats.jackknife": ["Spread", "jackknife"],
    "pefbench.errors": [
        *("PefbenchError", "UserError", "RecipeError", "SourceError", "DataError", "OutputError"),
        *("HeldError", "TrialError", "suggest", "quoted"),
    ],
}
"""What an application builds on, by module; those of `apps/` import nothing else, and a test holds them to it."""
STATISTICS = {
    "pefbench.stats.all_pairs": ["PairTest", "judge"],
    "pefbench.stats.family": ["Family", "of_scores"],
    "pefbench.stats.mean_interval": ["intervals"],
    "pefbench.stats.paired": ["Difference", "difference"],
    "pefbench.stats.resampling": ["Scores", "resample"],
    "pefbench.stats.holm": ["holm"],
    "pefbench.stats.mcnemar": ["mcnemar"],
    "pefbench.stats.expected_best": ["expected_best"],
}
EXTENDING = {
    "pefbench.recipe": ["load_recipe", "load_resolved", "resolve"],
    "pefbench.registry": ["names", "find", "summary"],
    "pefbench.tasks": ["Task"],
    "pefbench.methods": ["Method", "PeftMethod", "TargetedMethod"],
    "pefbench.metrics._base": ["Metric", "AdditiveMetric"],
}


def python() -> str:
    """What a program would use, by mkdocstrings."""
    return page(
        "Python",
        "All other modules may change from one version to the next. Names imported from `pefbench` itself are loaded "
        "on first use.",
        "## For an application",
        "[Write an application](../how-to/apps/own.md) has an example. pefbench's own applications import nothing "
        "else.",
        *_described(PUBLIC),
        "## Statistics",
        *_described(STATISTICS),
        "## For a task, a method or a metric",
        *_described(EXTENDING),
    )


def _described(modules: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for module, names in modules.items():
        yield f"### `{module}`"
        yield from (f"::: {module}.{name}" for name in names)


def _heading(kind: str, name: str) -> str:
    return f"## {name.replace('_', chr(92) + '_')} {{ #{kind}.{name} }}"


def _module_doc(thing: Any) -> str:
    return inspect.getdoc(inspect.getmodule(thing)) or ""


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands,
    "reference/recipe.md": recipe,
    "reference/comparison.md": comparison,
    "reference/methods.md": methods,
    "reference/tasks.md": tasks,
    "reference/metrics.md": metrics,
    "reference/baselines.md": baselines,
    "reference/formats.md": formats,
    "reference/result.md": result,
    "reference/python.md": python,
}
