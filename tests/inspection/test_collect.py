"""An inspection shows exactly what training gets: tokens, labels, windows, lengths."""

from __future__ import annotations

import json
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.heads.causal import CausalHead
from pefbench.heads.examples import ChoiceExample, GenerationExample, MarkedExample, SpanExample
from pefbench.heads.likelihood import LikelihoodHead
from pefbench.heads.marked import MarkedDataset
from pefbench.heads.search import Search
from pefbench.heads.span import SpanDataset
from pefbench.heads.token import TokenHead
from pefbench.inspection import inspect
from pefbench.inspection.collect import BINS, WHOLE, histogram, label_counts
from pefbench.inspection.html import page
from pefbench.inspection.text import printable, render
from pefbench.recipe import load_recipe
from tests import tiny
from tests.tokenizers import single_bytes, words
from tests.worlds import World, sentences

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads import Encoded, Head
    from pefbench.inspection import Inspection


def inspected(world: World, **changes: Any) -> Inspection:
    return inspect(load_recipe(world.recipe("inspected", **changes)))


def test_tokens_of_entities_carry_their_labels(world: World) -> None:
    found = inspected(world)
    known = {tuple(word for word, _ in each): [tag for _, tag in each] for each in sentences(240, seed=1)}
    assert len(found.examples) == 5
    for example in found.examples:
        assert example.reference == known[tuple(example.prompt.split())]
        [row] = example.rows
        assert [token.mark for token in row if token.mark] == example.reference
        assert [row[0].text, row[0].mark, row[-1].text, row[-1].mark] == ["[CLS]", "", "[SEP]", ""]
        assert all(not token.mark for token in row if token.text.startswith("##"))
    counted = sum((split.labels["B-PER"] for split in found.splits.values()), 0)
    assert counted == sum(tag == "B-PER" for tags in known.values() for tag in tags)
    assert sum(split.examples for split in found.splits.values()) == 240
    assert all(split.unknown == 0 for split in found.splits.values())


def test_a_short_limit_shows_what_is_truncated(world: World) -> None:
    short, whole = inspected(world, train__max_length=6), inspected(world)
    for name, split in short.splits.items():
        assert split.truncated > 0
        assert split.longest == whole.splits[name].longest > 6
        *within, beyond = split.lengths
        assert (beyond.low, beyond.high) == (7, split.longest)
        assert sum(bar.examples for bar in within) + beyond.examples == split.examples
    assert all(len(row) <= 6 for example in short.examples for row in example.rows)
    assert "over the limit" in render(short)
    assert "over the limit" not in render(whole)


def test_only_texts_that_reach_the_limit_are_tokenised_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path))  # where no tokens are kept yet
    calls: list[tuple[int, Encoded]] = []
    encode = TokenHead.encode

    def counted(head: TokenHead, tokenizer: Any, examples: Any, max_length: int) -> Encoded:
        calls.append((max_length, encode(head, tokenizer, examples, max_length)))
        return calls[-1][1]

    monkeypatch.setattr(TokenHead, "encode", counted)
    inspected(world)
    assert len(calls) == 3
    whole = [encoded.lengths for _, encoded in calls]
    calls.clear()
    inspected(world, train__max_length=9)
    assert [limit for limit, _ in calls] == [9, 9, 9, WHOLE, WHOLE, WHOLE]
    for (_, again), lengths in zip(calls[3:], whole, strict=True):
        assert again.lengths.tolist() == lengths[lengths >= 9].tolist()
        assert 0 < len(again) < len(lengths)


def test_no_such_split_is_one_line(world: World) -> None:
    with pytest.raises(DataError, match="--split dev: no such split; valid: train, validation, test"):
        inspect(load_recipe(world.recipe("inspected")), split="dev")


def test_text_page_and_json_show_the_same(world: World) -> None:
    found = inspected(world)
    text, html, data = render(found), page(found), json.loads(json.dumps(found.as_json()))
    for token in found.examples[0].rows[0]:
        assert token.text in text
        assert token.text in html
    assert data["examples"][0]["rows"][0][0] == {"text": "[CLS]", "id": 2, "mark": ""}
    assert "<script" not in html


def test_names_from_data_cannot_move_the_cursor_or_end_an_element() -> None:
    assert printable("a\x1b[2Jb\ud800\u202ec") == "a\\x1b[2Jb\\ud800\\u202ec"


def marked(head: Head, tokenizer: Any, examples: list[Any], length: int) -> list[tuple[list[str], list[str]]]:
    """Each row's tokens and their marks."""
    encoded = head.encode(tokenizer, examples, length)
    rows = encoded.features["input_ids"]
    return [
        (tokenizer.convert_ids_to_tokens(row.tolist()), head.marks(encoded, number)) for number, row in enumerate(rows)
    ]


def test_a_window_without_the_answer_points_at_the_null_position() -> None:
    asked = SpanExample("where ?", "a b c d e f g h i in Rome", (("in Rome", 18),))
    none = SpanExample("where ?", "a b c", ())
    head = SpanDataset({"train": [asked, none]}, overlap=0).head(tiny.config("bert"))
    rows = marked(head, words(), [asked, none], 12)
    answers = [[token for token, mark in zip(*row, strict=True) if mark == "answer"] for row in rows]
    nulls = [[token for token, mark in zip(*row, strict=True) if mark == "no answer"] for row in rows]
    assert len(rows) > 2
    assert sorted(map(len, answers)) == [*[0] * (len(rows) - 1), 2]
    assert [bool(each) for each in nulls] == [not each for each in answers]
    assert {token for each in nulls for token in each} == {"[CLS]"}


def test_the_answer_of_a_decoder_carries_the_loss() -> None:
    tokenizer = single_bytes("gpt2")
    head = CausalHead(search=Search(max_new_tokens=8), chat=False, separator=">")
    [(tokens, marks)] = marked(head, tokenizer, [GenerationExample("ab", "cd")], 32)
    learned = [token for token, mark in zip(tokens, marks, strict=True) if mark == "answer"]
    assert learned == ["c", "d", tokenizer.eos_token]


def test_the_tokens_of_candidates_are_marked() -> None:
    rows = marked(LikelihoodHead(), single_bytes("gpt2"), [ChoiceExample("ab", ("cd", "efg"), 1)], 32)
    shown = [[(token, mark) for token, mark in zip(*row, strict=True) if mark] for row in rows]
    assert [{mark for _, mark in row} for row in shown] == [{"candidate"}, {"right candidate"}]
    assert ["".join(token for token, _ in row) for row in shown] == ["Ġcd", "Ġefg"]


def test_the_places_that_a_relation_is_read_from_are_marked() -> None:
    example = MarkedExample("a b c d", (0, 1), (4, 5), "x")
    head = MarkedDataset({"train": [example]}, ["x"]).head(tiny.config("bert"))
    [(tokens, marks)] = marked(head, single_bytes("bert"), [example], 64)
    assert [token for token, mark in zip(tokens, marks, strict=True) if mark == "read"] == ["$", "#"]


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 300))
def test_every_length_is_in_one_bar(lengths: list[int], limit: int) -> None:
    bars = histogram(np.asarray(lengths, dtype=np.int64), limit)
    assert len(bars) <= BINS + 1
    for bar in bars:
        assert bar.low <= bar.high
        assert bar.examples == sum(bar.low <= length <= bar.high for length in lengths)
    assert sum(bar.examples for bar in bars) == len(lengths)
    assert all(before.high < after.low for before, after in pairwise(bars))


def test_labels_are_counted_and_texts_are_not() -> None:
    assert label_counts(["b", "a", "b"]) == {"b": 2, "a": 1}
    assert label_counts([["O", "B-x"], ["O"]]) == {"O": 2, "B-x": 1}
    assert label_counts([{"texts": ["x"]}]) == label_counts([0.5]) == {}


def test_answers_to_questions_are_no_labels(world: World, tmp_path: Path) -> None:
    asked = {"question": "Anna saw", "answers": {"text": ["Anna"], "answer_start": [0]}}
    contexts = ("Anna " + " ".join(words) for words in permutations(("saw", "Boris", "Paris", "near", "Rome")))
    lines = [json.dumps({**asked, "context": context}) for context in contexts]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf8")
    data = {"source": f"file:{tmp_path / 'rows.jsonl'}"}
    found = inspect(load_recipe(world.recipe("asked", task="question_answering", data=data)))
    assert [split.labels for split in found.splits.values()] == [{}, {}, {}]


def test_skipped_rows_are_listed_with_their_place(world: World, tmp_path: Path) -> None:
    corpus = (world.folder / "corpus.conll").read_text(encoding="utf8")
    (tmp_path / "bad.conll").write_text("Anna\tB-PER\nslept\n\n" + corpus, encoding="utf8")
    source = {"source": f"file:{tmp_path / 'bad.conll'}", "on_bad_row": "skip"}
    found = inspected(world, data=source)
    assert len(found.skipped) == 1
    assert "bad.conll:2" in found.skipped[0]
    assert f"skipped: {found.skipped[0]}" in render(found)
