"""Multi-label classification: every layout of labels gives the same examples; a trial with thresholds."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.metrics import f1_score

from pefbench.analysis.html.examples import spell
from pefbench.errors import DataError, RecipeError
from pefbench.inspection.collect import label_counts
from pefbench.recipe import load_recipe
from pefbench.trial import round_trip, run
from tests.tasks.loading import load
from tests.worlds import PEOPLE, PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.trial.corpus import Corpus
    from tests.worlds import World

TASK = "multi_label_classification"
NAMES = ["anger", "fear", "joy"]
SETS = [[], ["joy"], ["anger", "fear"], ["fear", "joy"], ["anger"], ["anger", "fear", "joy"]]
ROWS = [(f"text number {i} .", SETS[i % len(SETS)]) for i in range(60)]


def write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A table or JSON lines, by the suffix."""
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    elif file.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(list(rows)), file)
    else:
        with file.open("w", newline="", encoding="utf8") as stream:
            writer = csv.DictWriter(stream, [*rows[0]], delimiter="\t" if file.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return file


def read(loaded: Corpus) -> list[tuple[str, list[str]]]:
    return sorted((example.text, list(example.labels)) for split in loaded.dataset.splits.values() for example in split)


def flags(labels: list[str], yes: Any = 1, no: Any = 0) -> dict[str, Any]:
    return {name: yes if name in labels else no for name in NAMES}


LAYOUTS: dict[str, tuple[str, Any]] = {
    "lists": ("x.jsonl", lambda text, labels: {"text": text, "labels": labels}),
    "lists in Parquet": ("x.parquet", lambda text, labels: {"text": text, "labels": labels}),
    "JSON in a cell": ("x.csv", lambda text, labels: {"text": text, "labels": json.dumps(labels)}),
    "Python in a cell": ("x.csv", lambda text, labels: {"text": text, "labels": str(labels)}),
    "objects": ("x.jsonl", lambda text, labels: {"text": text, "labels": [{"id": 1, "name": name} for name in labels]}),
    "objects in a cell": (
        "x.csv",
        lambda text, labels: {"text": text, "labels": str([{"name": name} for name in labels])},
    ),
    "columns of 0 and 1": ("x.csv", lambda text, labels: {"id": text[12:], "comment_text": text, **flags(labels)}),
    "columns of numbers": ("x.csv", lambda text, labels: {"text": text, **flags(labels, "1.0", "0.0")}),
    "columns of booleans": ("x.jsonl", lambda text, labels: {"text": text, **flags(labels, yes=True, no=False)}),
    "columns of texts": ("x.tsv", lambda text, labels: {"text": text, **flags(labels, "True", "false")}),
    "semicolons": ("x.csv", lambda text, labels: {"text": text, "labels": "; ".join(labels)}),
    "commas": ("x.tsv", lambda text, labels: {"text": text, "labels": ",".join(labels)}),
    "pipes": ("x.csv", lambda text, labels: {"text": text, "labels": "|".join([*labels, ""])}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_labels_is_read(tmp_path: Path, layout: str) -> None:
    name, make = LAYOUTS[layout]
    assert read(load(TASK, write(tmp_path / name, [make(*row) for row in ROWS]))) == sorted(ROWS)


def test_columns_of_labels_are_named_by_the_recipe(tmp_path: Path) -> None:
    rows = [{"text": text, "likes": "7", **flags(labels)} for text, labels in ROWS]
    loaded = load(TASK, write(tmp_path / "x.csv", rows), columns={"labels": ["joy", "fear", "anger"]})
    assert read(loaded) == sorted(ROWS)
    assert loaded.notes == ["columns not read: likes"]
    with pytest.raises(DataError, match=r"x.csv: no column .* for the task's 'labels'; the columns are: text, likes"):
        load(TASK, tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"x.csv: no column 'hope' for the task's 'labels'"):
        load(TASK, tmp_path / "x.csv", columns={"labels": ["joy", "hope"]})
    with pytest.raises(DataError, match=r"x.csv:2: likes should be 0 or 1, got '7'; data.on_bad_row=skip"):
        load(TASK, tmp_path / "x.csv", columns={"labels": ["joy", "likes"]})


def test_what_was_found_is_said(tmp_path: Path) -> None:
    rows = [{"text": text, **flags(labels)} for text, labels in ROWS]
    assert load(TASK, write(tmp_path / "x.csv", rows)).notes == ["labels: the columns anger, fear, joy"]
    rows = [{"text": text, "labels": ";".join(labels)} for text, labels in ROWS]
    assert load(TASK, write(tmp_path / "y.csv", rows)).dataset.notes == ["labels separated by semicolons"]
    rows = [{"text": text, "labels": ["joy", "fear"][i % 2]} for i, (text, _) in enumerate(ROWS)]
    (note,) = load(TASK, write(tmp_path / "z.csv", rows)).dataset.notes
    assert "exactly one label" in note


def test_a_list_of_columns_is_for_columns_that_may_be_several(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data.columns.text: should be one column, got \['a', 'b'\]"):
        load(TASK, tmp_path, columns={"text": ["a", "b"]})


def test_numbers_get_their_names(tmp_path: Path) -> None:
    numbers = [(text, ",".join(str(NAMES.index(label)) for label in labels)) for text, labels in ROWS]
    (tmp_path / "x.tsv").write_text("".join(f"{text}\t{labels}\tid\n" for text, labels in numbers), encoding="utf8")
    columns = {"text": 0, "labels": 1}
    named = load(TASK, tmp_path / "x.tsv", format="tsv_no_header", columns=columns, labels=NAMES)
    assert read(named) == sorted(ROWS)
    bare = read(load(TASK, tmp_path / "x.tsv", format="tsv_no_header", columns=columns))
    assert bare == sorted((text, [str(NAMES.index(label)) for label in labels]) for text, labels in ROWS)


def test_names_of_numbers_come_from_the_metadata(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(text=datasets.Value("string"), labels=datasets.List(datasets.ClassLabel(names=NAMES)))
    values = [{"text": text, "labels": [NAMES.index(label) for label in labels]} for text, labels in ROWS]
    datasets.Dataset.from_list(values, features=features).to_parquet(tmp_path / "x.parquet")
    assert read(load(TASK, tmp_path / "x.parquet")) == sorted(ROWS)


VECTORS: dict[str, tuple[str, Any]] = {
    "numbers": ("x.jsonl", lambda vector: [1.0 * flag for flag in vector]),
    "booleans": ("x.parquet", lambda vector: list(map(bool, vector))),
    "a list in a cell": ("x.csv", str),
    "numpy's in a cell": ("x.csv", lambda vector: f"[{' '.join(map(str, vector))}]"),
    "spaces": ("x.tsv", lambda vector: " ".join(map(str, vector))),
}


@pytest.mark.parametrize("layout", VECTORS)
def test_vectors_of_0_and_1_are_the_labels_at_their_ones(tmp_path: Path, layout: str) -> None:
    name, make = VECTORS[layout]
    rows = [{"text": text, "labels": make([int(each in labels) for each in NAMES])} for text, labels in ROWS]
    file = write(tmp_path / name, rows)
    loaded = load(TASK, file, labels=NAMES)
    assert read(loaded) == sorted(ROWS)
    assert "labels are vectors of 0 and 1" in loaded.notes[0]
    numbers = [(text, [str(NAMES.index(each)) for each in labels]) for text, labels in ROWS]
    assert read(load(TASK, file)) == sorted(numbers)


def test_vectors_inside_an_object_are_read(tmp_path: Path) -> None:
    rows = [{"text": text, "y": {"gold": [int(each in labels) for each in NAMES]}} for text, labels in ROWS]
    loaded = load(TASK, write(tmp_path / "x.jsonl", rows), columns={"labels": "y.gold"}, labels=NAMES)
    assert read(loaded) == sorted(ROWS)


def test_lists_of_the_numbers_0_and_1_are_no_vectors(tmp_path: Path) -> None:
    for lists in ([[0, 1]], [[0], [1], [0, 1]], [[], [0], [1, 0]]):
        rows = [{"text": text, "labels": lists[i % len(lists)]} for i, (text, _) in enumerate(ROWS)]
        loaded = load(TASK, write(tmp_path / "x.jsonl", rows))
        given = {row["text"]: sorted(map(str, row["labels"])) for row in rows}
        assert dict(read(loaded)) == given


def test_a_separator_that_is_not_clear_is_asked_for(tmp_path: Path) -> None:
    rows = [{"text": text, "labels": ["Science, technology", "Health"][i % 2]} for i, (text, _) in enumerate(ROWS)]
    file = write(tmp_path / "x.csv", rows)
    with pytest.raises(DataError, match=r"x.csv: labels: 'Science, technology' may be one label or several.*separator"):
        load(TASK, file)
    assert {label for _, labels in read(load(TASK, file, {"separator": "none"})) for label in labels} == {
        "Science, technology",
        "Health",
    }
    assert {len(labels) for _, labels in read(load(TASK, file, {"separator": "comma"}))} == {1, 2}
    assert read(load(TASK, file, {"separator": ", "})) == read(load(TASK, file, {"separator": "comma"}))
    with pytest.raises(RecipeError, match=r"options.separator: .*at least 1 character"):
        load(TASK, file, {"separator": ""})
    rows[0]["labels"] = "Science, technology|Health"
    with pytest.raises(DataError, match=r"a comma or a pipe may separate its labels, as in 'Science, technology\|H"):
        load(TASK, write(file, rows))


@pytest.mark.parametrize(
    "cell", [None, [None], [True], ["joy", ""], [["joy"]], 0.5, {"a": 1}, [{"id": 1}], [{"name": ["joy"]}]]
)
def test_a_bad_cell_is_named(tmp_path: Path, cell: Any) -> None:
    rows = [{"text": text, "labels": labels} for text, labels in ROWS]
    file = write(tmp_path / "x.jsonl", [*rows, {"text": "one more", "labels": cell}])
    with pytest.raises(DataError, match=r"x.jsonl:61: labels should be a list of names or whole numbers"):
        load(TASK, file)
    assert load(TASK, file, on_bad_row="skip").skipped


def test_labels_that_train_lacks_are_refused_or_counted(tmp_path: Path) -> None:
    rows = [{"text": text, "labels": labels} for text, labels in ROWS]
    write(tmp_path / "train.jsonl", rows[:40])
    write(tmp_path / "test.jsonl", [*rows[40:], {"text": "a new one", "labels": ["hope", "joy"]}])
    parts: dict[str, Any] = {"train": "train.jsonl", "test": "test.jsonl"}
    with pytest.raises(DataError, match=r"test.jsonl:21: labels 'hope' of the test split is not in train"):
        load(TASK, tmp_path, **parts)
    loaded = load(TASK, tmp_path, **parts, unseen_labels="count")
    assert ("a new one", ["hope", "joy"]) in read(loaded)
    assert "'hope' (1)" in loaded.dataset.notes[0]


def test_no_label_at_all_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x.jsonl: no training text has any label"):
        load(TASK, write(tmp_path / "x.jsonl", [{"text": text, "labels": []} for text, _ in ROWS]))


@pytest.mark.parametrize("wrong", [2, 0, 1.0, "per-class", None])
def test_a_threshold_is_a_probability_or_one_for_each_label(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"options.thresholds: should be per-label, or a number above 0 and below 1"):
        load(TASK, tmp_path / "x.csv", {"thresholds": wrong})


def test_a_trial_tunes_its_thresholds_on_validation_and_reproduces_its_answers(world: World, tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = {" ".join(draw.choices([*PEOPLE, *PLACES, "saw", "river"], k=draw.randint(1, 5))) for _ in range(160)}
    rows = [{"text": text, "labels": sorted({*text.split()} & {*PLACES})} for text in sorted(texts)]
    write(tmp_path / "x.jsonl", rows)
    recipe = world.recipe(
        "sets",
        task=TASK,
        data={"source": f"file:{tmp_path / 'x.jsonl'}"},
        options={"thresholds": "per-label"},
        train__epochs=2,
        train__class_weights="balanced",
    )
    path = run.run(load_recipe(recipe), tmp_path / "out")
    result = json.loads(path.read_text(encoding="utf8"))
    folder = path.with_suffix("")
    assert result["status"] == "finished"
    assert result["round_trip"]["reproduced"]
    assert result["thresholds"].keys() == {*PLACES}
    assert len({*result["thresholds"].values()}) > 1
    trial = json.loads((folder / "trial.json").read_text(encoding="utf8"))
    assert trial["thresholds"] == result["thresholds"]
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf8").splitlines()]
    names = sorted(PLACES)
    given = [[label in row["prediction"]["labels"] for label in names] for row in lines]
    gold = [[label in row["reference"]["labels"] for label in names] for row in lines]
    scores = result["metrics"]["test"]
    assert scores["multi_label_micro_f1"]["value"] == pytest.approx(
        f1_score(gold, given, average="micro", zero_division=0)
    )
    for row in lines:
        both = zip(names, row["prediction"]["scores"], strict=True)
        assert row["prediction"]["labels"] == [name for name, score in both if score >= result["thresholds"][name]]
        assert row["correct"] == (row["prediction"]["labels"] == row["reference"]["labels"])
    assert result["baselines"].keys() == {"frequent_label_set", "nearest_label_set"}
    assert result["report"]["multi_label_f1"]["classes"].keys() <= {*PLACES}
    trial["thresholds"]["Nowhere"] = 0.5
    (folder / "trial.json").write_text(json.dumps(trial), encoding="utf8")
    with pytest.raises(DataError, match=r"trial.json: damaged: the thresholds are for other labels than the data's"):
        round_trip.verify(folder)


def test_people_see_labels_not_scores() -> None:
    assert spell({"labels": ["fear", "joy"], "scores": [0.1, 0.9]}) == "fear, joy"
    assert spell({"labels": []}) == "(no label)"
    assert label_counts([{"labels": ["joy"]}, {"labels": []}, {"labels": ["fear", "joy"]}]) == {"joy": 2, "fear": 1}
