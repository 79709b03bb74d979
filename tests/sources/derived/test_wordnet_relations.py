"""Relations from WordNet's nouns: marked words, labels, and an order that reveals nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.derived import wordnet_relations
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Nouns = dict[str, tuple[str, str]]
WORLD: Nouns = {
    "entity": ("", "what is"),
    "vehicle": ("@ entity", "what carries"),
    "wheel": ("@ entity", "round; what turns"),
    "crowd": ("@ entity", "many"),
}
"""A noun -> its pointers, and its gloss."""


def write(folder: Path, nouns: Nouns, verbs: Sequence[str] = ()) -> str:
    """Write nouns that point to each other by name; return the source."""
    at = {word: f"{number:08}" for number, word in enumerate(nouns, start=1)}
    lines = []
    for word, (pointers, gloss) in nouns.items():
        named = pointers.split()
        told = "".join(f"{sign} {at[to]} n 0000 " for sign, to in zip(named[::2], named[1::2], strict=True))
        lines.append(f"{at[word]} 03 n 01 {word} 0 {len(named) // 2:03} {told}| {gloss}  \n")
    (folder / "data.noun").write_text("".join(lines), encoding="utf-8")
    verb = "".join(f"{i:08} 31 v 01 {word} 0 000 01 + 08 00 | to do  \n" for i, word in enumerate(verbs))
    (folder / "data.verb").write_text(verb, encoding="utf-8")
    return f"file:{folder}"


def read(folder: Path, nouns: Nouns, verbs: Sequence[str] = ()) -> list[dict[str, Any]]:
    rows = read_rows(write(folder, WORLD | nouns, verbs), format="wordnet_relations").rows
    return [row.values for row in rows]


def marked(values: dict[str, Any]) -> tuple[str, str, str]:
    """Return a row's first and second piece and its label."""
    return values["text"][slice(*values["first"])], values["text"][slice(*values["second"])], values["label"]


@pytest.mark.parametrize(
    ("pointer", "word", "relation", "forward"),
    [
        ("@ vehicle", "vehicle", "Hyponym-Hypernym", True),
        ("@i vehicle", "vehicle", "Instance-Class", True),
        ("#p vehicle", "vehicle", "Part-Whole", True),
        ("%p wheel", "wheels", "Part-Whole", False),
        ("#m crowd", "crowd", "Member-Group", True),
        ("%m crowd", "crowds", "Member-Group", False),
        ("#s vehicle", "vehicle", "Substance-Whole", True),
        ("%s wheel", "Wheel", "Substance-Whole", False),
    ],
)
def test_a_pointer_is_a_relation_with_its_direction(
    tmp_path: Path, pointer: str, word: str, relation: str, *, forward: bool
) -> None:
    found = read(tmp_path, {f"thing_{i}": (pointer, f"with {word} of {i}") for i in range(30)})
    seen = set()
    for values in found:
        first, second, label = marked(values)
        swapped = first == word
        assert {first, second} == {word, values["text"].partition(":")[0]}
        assert label == f"{relation}({'e1,e2' if forward is not swapped else 'e2,e1'})"
        assert values["text"].startswith("thing ")
        seen.add(swapped)
    assert len(found) == 30
    assert seen == {True, False}


def test_a_word_without_a_relation_is_other_where_none_is_between_them_at_all(tmp_path: Path) -> None:
    found = read(tmp_path, {f"cart{i}": ("@ vehicle", f'entity of a crowd {i}; "a wheel"') for i in range(60)})
    assert {label for *_, label in map(marked, found)} == {"Other"}  # entity is an indirect hypernym
    assert {word for first, second, _ in map(marked, found) for word in (first, second)} == {
        "crowd",
        *(values["text"].partition(":")[0] for values in found),
    }
    assert all("wheel" not in values["text"] for values in found)
    assert 0 < len(found) < 40  # about a quarter


@pytest.mark.parametrize(
    ("pointer", "gloss"),
    [
        ("~ wheel", "a wheel"),
        ("@ vehicle #p vehicle", "a vehicle"),
        ("@ vehicle", "a run"),
        ("@ vehicle", "a who"),
        ("@ vehicle", "a four-wheel one"),
    ],
    ids=["another pointer", "two relations", "a verb too", "no noun", "a part of a word"],
)
def test_doubtful_words_are_not_marked(tmp_path: Path, pointer: str, gloss: str) -> None:
    nouns: Nouns = {"run": ("", "1"), "who": ("", "2")}
    nouns |= {"tyre": ("#p wheel", "around a wheel")}
    found = read(tmp_path, nouns | {f"cart{i}": (pointer, gloss) for i in range(30)}, ["run"])
    assert [values["text"] for values in found] == ["tyre: around a wheel"]


def test_of_several_relations_the_rarest_is_shown_and_of_each_at_most_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nouns: Nouns = {f"cart{i}": ("@ vehicle %p wheel", f"vehicle {i} with wheels") for i in range(30)}
    assert {label.partition("(")[0] for *_, label in map(marked, read(tmp_path, nouns))} == {"Part-Whole"}
    monkeypatch.setattr(wordnet_relations, "EACH", 7)
    assert len(read(tmp_path, nouns)) == 7


def test_a_definition_is_read_once(tmp_path: Path) -> None:
    found = read(tmp_path, {f"cart{i}": ("@ vehicle", f"{'A' if i % 2 else 'a'} vehicle") for i in range(6)})
    assert [values["text"] for values in found] == ["cart0: a vehicle"]


def test_bad_lines_and_missing_nouns_are_named(tmp_path: Path) -> None:
    source = write(tmp_path, WORLD | {"tyre": ("#p wheel", "around a wheel")})
    with (tmp_path / "data.noun").open("a", encoding="utf-8") as file:
        file.write("entity\n")
    assert refusal(DataError, read_rows, source, format="wordnet_relations").startswith("data.noun:6: not a line")
    bad = BadRows(skip=True)
    [row] = read_rows(source, format="wordnet_relations", bad=bad).rows
    assert (row.where, len(bad.found)) == ("data.noun:5", 1)
    (tmp_path / "data.noun").unlink()
    assert "should hold data.noun" in refusal(SourceError, read_rows, source, format="wordnet_relations")
