"""Translation: pairs from two columns, from mappings of languages, from two files; each source in one split."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from pefbench.errors import DataError
from pefbench.heads._generation_answers import GenerationAnswers
from pefbench.heads.search import Search
from pefbench.recipe import resolve
from pefbench.sources import BadRows, Row, normalise
from pefbench.tasks.translation import TASK
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads import Dataset
    from pefbench.heads.generation import GenerationDataset

OPTIONS = {"source_language": "en", "target_language": "de", "max_new_tokens": 8, "num_beams": 1, "tested": None}


def read(*given: dict[str, Any], skip: bool = False, **options: Any) -> GenerationDataset:
    rows = [Row(dict.fromkeys(TASK.columns) | values, "x.json", i) for i, values in enumerate(given, start=1)]
    return cast("GenerationDataset", TASK.read({"train": rows}, BadRows(skip=skip), **(OPTIONS | options)))


def pairs(made: Dataset, split: str = "train") -> list[tuple[str, str]]:
    return [(each.prompt, each.target) for each in made.splits[split]]


def test_a_pair_is_two_columns_or_a_mapping_of_languages() -> None:
    made = read({"source": "One", "target": "Eins"}, {"translation": {"de": "Zwei", "en": "Two", "fr": "Deux"}})
    assert pairs(made) == [("One", "Eins"), ("Two", "Zwei")]
    assert {each.instruction for each in made.splits["train"]} == {"translate English to German: "}
    assert made.keep == "start"
    other = read({"translation": {"xx": "Eins", "fr": "Un"}}, source_language="fr", target_language="xx")
    assert pairs(other) == [("Un", "Eins")]
    assert other.splits["train"][0].instruction == "translate French to xx: "


def test_translations_of_one_text_are_a_cluster() -> None:
    given = ({"source": "Hi", "target": "Hallo"}, {"source": "Ho", "target": "Ha"}, {"source": "Hi", "target": "Tag"})
    assert GenerationAnswers(Search()).clusters(read(*given).splits["train"]) == ["Hi", "#1", "Hi"]


@pytest.mark.parametrize(
    ("language", "bleu"),
    [
        ("de", "bleu"),
        ("zh", {"name": "bleu", "tokenizer": "zh"}),
        ("zh_Hant", {"name": "bleu", "tokenizer": "zh"}),
        ("ja", {"name": "bleu", "tokenizer": "ja-mecab"}),
    ],
)
def test_bleu_divides_words_as_the_language_needs(language: str, bleu: Any) -> None:
    given = {"task": "translation", "method": {"name": "lora"}, "options": {"target_language": language}}
    assert resolve(given, name="x").evaluate.metrics == [bleu, "chrf"]
    named = given | {"evaluate": {"metrics": [{"name": "bleu", "tokenizer": "char"}]}}
    assert resolve(named, name="x").evaluate.metrics == [{"name": "bleu", "tokenizer": "char"}]


def test_a_mapping_without_the_language_is_left_out_and_counted() -> None:
    made = read({"translation": {"en": "One", "de": "Eins"}}, {"translation": {"en": "Two", "fr": "Deux", "de": None}})
    assert pairs(made) == [("One", "Eins")]
    assert made.notes == ["1 rows of train have no text in en or de"]
    with pytest.raises(DataError, match=r"x\.json:1: no text in en and ro; the languages are: de, en \(options.target"):
        read({"translation": {"en": "One", "de": "Eins"}}, target_language="ro")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"source": "a"}, "target should be a non-empty text"),
        ({"source": " ", "target": "b"}, "source should be a non-empty text"),
        ({"translation": {"en": "a", "de": 1}}, "translation should be texts by language"),
        ({"translation": "a"}, "translation should be texts by language"),
        ({}, "source should be a non-empty text"),
    ],
)
def test_a_bad_row_is_named_or_left_out(values: dict[str, Any], why: str) -> None:
    good = {"source": "One", "target": "Eins"}
    with pytest.raises(DataError, match=r"x\.json:2: " + why):
        read(good, values)
    assert pairs(read(good, values, skip=True)) == [("One", "Eins")]


def write_catalogue(folder: Path, language: str, app: str, texts: dict[str, str]) -> None:
    file = folder / app / "locale" / language / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    entries = "\n\n".join(f"msgid {json.dumps(en)}\nmsgstr {json.dumps(to)}" for en, to in texts.items())
    file.write_text(f'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n{entries}\n', encoding="utf8")


def test_of_catalogues_each_english_text_is_once_on_one_side_in_every_language(tmp_path: Path) -> None:
    texts = [f"Message number {i % 150}{'!' * (i // 150)}" for i in range(200)]
    write_catalogue(tmp_path, "de", "a", {text: f"de {text}" for text in texts})
    write_catalogue(tmp_path, "fr", "a", {text: f"fr {text}" for text in texts[:120]})
    write_catalogue(tmp_path, "de", "b", {text: f"DE {text}" for text in texts[::2]})
    sides = {}
    for language, count in (("de", 150), ("fr", 120)):
        options = {"target_language": language}
        splits = loading.load("translation", tmp_path, options, format="gettext", repeats="drop").dataset.splits
        assert sum(len(found) for found in splits.values()) == count
        assert all(each.target == f"{language} {each.prompt}" for found in splits.values() for each in found)
        sides[language] = {normalise(each.prompt): split for split, found in splits.items() for each in found}
        assert len(sides[language]) == count
    assert all(sides["de"][text] == side for text, side in sides["fr"].items())


def test_parallel_files_and_tables_are_read(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.en").write_text(f"{split} one\n{split} two\n", encoding="utf8")
        (tmp_path / f"{split}.ro").write_text(f"{split} unu\n{split} doi\n", encoding="utf8")
        (tmp_path / f"{split}.tsv").write_text(f"source\ttarget\n{split} one\t{split} unu\n", encoding="utf8")
        (tmp_path / f"{split}.txt").write_text(f"{split} one\t{split} unu\n", encoding="utf8")
    parts = {
        name: f"{part}.en+{part}.ro" for name, part in (("train", "train"), ("validation", "dev"), ("test", "test"))
    }
    made = loading.load("translation", tmp_path, {"target_language": "ro"}, **parts).dataset
    assert pairs(made, "validation") == [("dev one", "dev unu"), ("dev two", "dev doi")]
    tables = {name: part.partition(".")[0] for name, part in parts.items()}
    for suffix, format_ in ((".tsv", None), (".txt", "tsv_no_header")):
        named = {name: part + suffix for name, part in tables.items()}
        made = loading.load("translation", tmp_path, None, format=format_, **named).dataset
        assert pairs(made, "test") == [("test one", "test unu")]
