"""Results as tables: one row a trial, best first, and never two trials ranked that cannot be compared."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pefbench.classification_report import render
from pefbench.errors import UserError, suggest
from pefbench.results import newest, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pefbench.results import Stored
    from pefbench.schema import Metric, Result

# One trial as raw numbers: bytes, seconds, counts. Its keys are the columns of CSV and JSON, in this order.
Row = dict[str, Any]

FAILED = "failed"
_TABULATE = {"text": "simple", "markdown": "pipe", "latex": "latex_booktabs"}
FORMATS = (*_TABULATE, "csv", "json")


def table(results: Sequence[Stored], style: str = "text") -> str:
    """Return the results as a table in one of FORMATS; without a newline at the end.

    Text, Markdown and LaTeX have one table for each group of trials that may be ranked together: same task, data,
    base model, precision and metric signature. CSV and JSON have all groups in one, with raw numbers and no notes.
    Of trials with the same id the newest is shown. Raises UserError for an unknown style.
    """
    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; {suggest(style, FORMATS)}")
    shown, older = newest(results)
    rows = _rows(shown)
    if style == "csv":
        return _csv(rows)
    if style == "json":
        return json.dumps(rows, indent=1, allow_nan=False)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_group(row)].append(row)
    blocks = [_block(members, style) for members in groups.values()]
    return "\n\n".join(blocks + [_escaped(note, style) for note in _notes(len(groups.keys() - {(FAILED,)}), older)])


def summary(stored: Stored) -> str:
    """Return what `pefbench run` prints at the end of a trial; without a newline at the end."""
    result = stored.result
    parts = [table([stored])]
    if metrics := result.get("metrics"):
        parts.append(_metrics_table(metrics, result.get("baselines", {})))
    parts += [f"{name}\n\n{render(report).rstrip()}" for name, report in result.get("report", {}).items()]
    lines = [f"warning: {warning}" for warning in result.get("warnings", [])]
    if result["status"] == "finished":
        lines.insert(0, f"round trip: {_round_trip(result)}")
    return "\n\n".join([*parts, "\n".join([*lines, f"result: {stored.path}"])])


def short_model(name: str) -> str:
    """Return the name people use: ``wheel:gt-x==0.1!a/b`` is gt-x, ``hf:owner/bert`` is bert, ``file:a/b`` is b."""
    scheme, separator, rest = name.partition(":")
    if scheme == "wheel":
        return rest.partition("!")[0].partition("==")[0]
    return PurePosixPath(rest if separator else name).name or name


def readable_seconds(seconds: float) -> str:
    """Return a duration: ``0.35 s``, ``48 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def interval(value: float, low: float | None, high: float | None) -> str:
    """Return a value with its 95 % interval: ``0.512 [0.480, 0.543]``, or only the value when there is none."""
    digits = 3 if abs(value) < 10 else 1  # fractions need three; BLEU and perplexity, which are larger, one
    if low is None or high is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _rows(results: Iterable[Stored]) -> list[Row]:
    """One row per trial, in the order to show: group by group, best first, failed ones last."""
    rows = [(_rank(stored), stored) for stored in results]
    rows.sort(key=lambda each: each[0])
    known = _known_baselines(stored.result for _, stored in rows)
    ordered = [
        {**_what(stored), **_score(stored.result), **_baseline(stored.result, known), **_cost(stored.result)}
        for _, stored in rows
    ]
    _add_settings(ordered, [stored.result["recipe"] for _, stored in rows])
    return [{**row, "path": str(stored.path)} for row, (_, stored) in zip(ordered, rows, strict=True)]


def _rank(stored: Stored) -> tuple[Any, ...]:
    result = stored.result
    recipe = result["recipe"]
    names = (recipe["task"], short_model(recipe["model"]["name"]))
    last = (recipe["name"], result["id"])
    if result["status"] == "failed":
        return (1, *names, *last)
    metric = _headline(result)
    best_first = -metric["value"] if metric["higher_is_better"] else metric["value"]
    return (0, *names, *_comparable(result), best_first, *last)


def _comparable(result: Result) -> tuple[str, ...]:
    """Return what must be equal for two trials of a task to be ranked together."""
    return (
        result["headline"],
        _headline(result)["signature"],
        result["model"]["fingerprint"],
        result["data"]["fingerprint"],
        result["provenance"]["precision"],
    )


def _group(row: Row) -> tuple[Any, ...]:
    # The whole fingerprints and signatures: the heading shows only their first digits.
    names = ("task", "model", "metric", "metric_signature", "model_fingerprint", "data_fingerprint", "precision")
    return (FAILED,) if row["group"] == FAILED else tuple(row[name] for name in names)


def _headline(result: Result) -> Metric:
    return result["metrics"]["test"][result["headline"]]


def _heading(result: Result) -> str:
    metric, signature, weights, data, precision = _comparable(result)
    recipe = result["recipe"]
    direction = "higher" if _headline(result)["higher_is_better"] else "lower"
    model = f"{short_model(recipe['model']['name'])} (weights {_short(weights)})"
    score = f"{metric}, {direction} is better ({signature})"
    return " · ".join([recipe["task"], model, f"data {_short(data)}", precision, score])


def _short(fingerprint: str) -> str:
    return fingerprint.rpartition(":")[2][:6]


def _what(stored: Stored) -> Row:
    result = stored.result
    recipe, model, data = result["recipe"], result.get("model"), result.get("data")
    return {
        "group": FAILED if result["status"] == "failed" else _heading(result),
        "task": recipe["task"],
        "model": short_model(recipe["model"]["name"]),
        "model_fingerprint": model and model["fingerprint"],
        "data_fingerprint": data and data["fingerprint"],
        "precision": result["provenance"]["precision"],
        "id": result["id"],
        "recipe": recipe["name"],
        "method": recipe["method"]["name"],
        "settings": "",
        "seed": recipe["train"].get("seed"),
        "learning_rate": recipe["train"].get("learning_rate"),
        "status": result["status"],
        "error": result["error"],
    }


def _score(result: Result) -> Row:
    metric = _headline(result) if result["status"] == "finished" else None
    return {
        "metric": result.get("headline"),
        "metric_signature": metric and metric["signature"],
        "value": metric and metric["value"],
        "low": metric and metric["low"],
        "high": metric and metric["high"],
        "higher_is_better": metric and metric["higher_is_better"],
        "test_examples": metric and metric["examples"],
    }


def _known_baselines(results: Iterable[Result]) -> dict[tuple[Any, ...], dict[str, Metric]]:
    """Return what trivial baselines scored on the headline metric, by what they depend on: see `_depends_on`."""
    known: dict[tuple[Any, ...], dict[str, Metric]] = {}
    for result in results:
        headline = result.get("headline", "")
        found = {name: scores[headline] for name, scores in result.get("baselines", {}).items() if headline in scores}
        if found and result["status"] == "finished":
            known.setdefault(_depends_on(result), {}).update(found)
    return known


def _depends_on(result: Result) -> tuple[Any, ...]:
    """Return what a trivial baseline's score follows from: data, metric and the training examples; never the model.

    So it is that of a trial of the same data, too, which was recorded before there were baselines.
    """
    train = result["recipe"]["train"]
    limit = train.get("max_examples")
    chosen = None if limit is None else (limit, train.get("seed"))
    signature, data = _headline(result)["signature"], result["data"]["fingerprint"]
    return (result["recipe"]["task"], result["headline"], signature, data, chosen)


def _baseline(result: Result, known: Mapping[tuple[Any, ...], dict[str, Metric]]) -> Row:
    """Return the best trivial baseline, and whether the model's whole interval is better than it."""
    found = known.get(_depends_on(result)) if result["status"] == "finished" else None
    if not found:
        return dict.fromkeys(("baseline", "baseline_value", "beats_baseline"))
    metric = _headline(result)
    sign = 1 if metric["higher_is_better"] else -1
    best = max(found, key=lambda name: sign * found[name]["value"])
    value, worst = found[best]["value"], metric["low"] if sign > 0 else metric["high"]
    beats = sign * (metric["value"] if worst is None else worst) > sign * value
    return {"baseline": best, "baseline_value": value, "beats_baseline": beats}


def _cost(result: Result) -> Row:
    model, data, train = result.get("model"), result.get("data"), result.get("phases", {}).get("train")
    split = data["splits"].get("train") if data else None
    limit = result["recipe"]["train"].get("max_examples")
    return {
        "train_examples": split and split["examples"],
        "train_examples_cut": limit is not None and split is not None and split["examples"] >= limit,
        "parameters": model and model["parameters"],
        "trainable_parameters": model and model["trainable_parameters"],
        "trainable_percent": model and model["trainable_percent"],
        "adapter_bytes": model and model["adapter_bytes"],
        "train_seconds": train and train["seconds"],
        "train_peak_memory_bytes": train and train["peak_memory_bytes"],
    }


def _add_settings(rows: Sequence[Row], recipes: Sequence[dict[str, Any]]) -> None:
    """Say in which settings trials of one recipe differ (a grid's), spelt as overrides: ``train.seed=1``."""
    alike: dict[tuple[str, str, str], list[tuple[Row, dict[str, str]]]] = defaultdict(list)
    for row, recipe in zip(rows, recipes, strict=True):
        alike[row["group"], row["recipe"], row["method"]].append((row, dict(_flat(recipe))))
    for members in alike.values():
        keys = sorted({key for _, flat in members for key in flat} - {"name"})
        differing = [key for key in keys if len({flat.get(key) for _, flat in members}) > 1]
        for row, flat in members:
            row["settings"] = " ".join(f"{key}={flat[key]}" for key in differing if key in flat)


def _flat(settings: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _finished_cells(row: Row) -> dict[str, str]:
    return {
        "Recipe": row["recipe"],
        "Method": row["method"],
        "Settings": row["settings"],
        row["metric"]: interval(row["value"], row["low"], row["high"]),
        "Best baseline": _text(row["baseline"], lambda name: _beaten(name, row)),
        "Train examples": _text(row["train_examples"], lambda n: f"{n:,}{' (cut)' * row['train_examples_cut']}"),
        "Trainable": f"{readable(row['trainable_parameters'])} ({row['trainable_percent']:.3g} %)",
        "Adapter": _text(row["adapter_bytes"], lambda size: readable(size, "B")),
        "Train time": readable_seconds(row["train_seconds"]),
        "Peak memory": readable(row["train_peak_memory_bytes"], "B"),
    }


def _failed_cells(row: Row) -> dict[str, str]:
    names = {title: row[title.lower()] for title in ("Task", "Model", "Recipe", "Method", "Settings")}
    return {**names, "Error": " ".join((row["error"] or "not recorded").split())}


def _beaten(name: str, row: Row) -> str:
    return f"{interval(row['baseline_value'], None, None)} {name}{'' if row['beats_baseline'] else ', NOT BEATEN'}"


def _text(value: float | str | None, spell: Callable[[Any], str]) -> str:
    return "" if value is None else spell(value)


_LEFT = {"Task", "Model", "Recipe", "Method", "Settings", "Error", "split", "metric"}


def _block(rows: Sequence[Row], style: str) -> str:
    heading = rows[0]["group"]
    cells = [_failed_cells(row) if heading == FAILED else _finished_cells(row) for row in rows]
    content = _grid(cells, style)
    if style == "latex":
        return f"\\begin{{table}}\n\\caption{{{_escaped(heading, style)}}}\n{content}\n\\end{{table}}"
    return f"### {heading}\n\n{content}" if style == "markdown" else f"{heading}\n\n{content}"


def _grid(cells: Sequence[dict[str, str]], style: str) -> str:
    """Set rows of text as a table; a column that is empty in every row is left out."""
    from tabulate import tabulate

    titles = [title for title in cells[0] if any(row[title] for row in cells)]
    # tabulate escapes for LaTeX, but a bar in a cell would end it in Markdown.
    body = [[_cell(row[title], style) for title in titles] for row in cells]
    align = ["left" if title in _LEFT else "right" for title in titles]
    return tabulate(body, titles, tablefmt=_TABULATE[style], colalign=align, disable_numparse=True)


def _cell(text: str, style: str) -> str:
    # tabulate escapes for LaTeX only; in Markdown a bar would end the cell and <...> would vanish as a tag.
    return text.replace("|", r"\|").replace("<", "&lt;") if style == "markdown" else text


def _notes(groups: int, older: int) -> Iterable[str]:
    if groups > 1:
        yield "Trials in different tables differ in what their heading says, so they are not ranked together."
    if older:
        results = "result of a trial" if older == 1 else "results of trials"
        yield f"{older} older {results} with the same id not shown."


def _escaped(text: str, style: str) -> str:
    if style != "latex":
        return text
    from tabulate import LATEX_ESCAPE_RULES

    rules = {**LATEX_ESCAPE_RULES, "|": r"\textbar{}"}
    return "".join(rules.get(character, character) for character in text)


def _metrics_table(metrics: dict[str, dict[str, Metric]], baselines: dict[str, dict[str, Metric]]) -> str:
    scores = {split: metrics[split] for split in sorted(metrics)}
    scores |= {f"test, {name} baseline": found for name, found in baselines.items()}
    return _grid(
        [
            {
                "split": split,
                "metric": name,
                "value [95 % interval]": interval(metric["value"], metric["low"], metric["high"]),
                "examples": f"{metric['examples']:,}",
                "better": "higher" if metric["higher_is_better"] else "lower",
            }
            for split, found in scores.items()
            for name, metric in found.items()
        ],
        "text",
    )


def _round_trip(result: Result) -> str:
    trip = result.get("round_trip")
    if trip is None:
        return "not run"
    verdict = "reproduced" if trip["reproduced"] else "NOT reproduced: the saved model predicts something else;"
    return f"{verdict} {trip['examples']:,} predictions in a fresh process, {readable_seconds(trip['seconds'])}"
