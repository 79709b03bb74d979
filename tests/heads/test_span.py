"""The span head: windows cover the context, targets lie on the answer, answers are substrings of the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForQuestionAnswering

from pefbench.errors import RecipeError
from pefbench.heads import IGNORED
from pefbench.heads.examples import SpanExample
from pefbench.heads.span import SpanDataset, SpanHead, best_spans
from pefbench.trial.batching import collate
from tests import tiny
from tests.heads.answering import answering
from tests.tokenizers import WORDS, single_bytes, stripping, words

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pefbench.heads import Encoded
    from pefbench.heads._windows import Windows

WITH_HEAD = [name for name in tiny.EVERY if name != "marian"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def test_contexts_that_differ_only_in_white_space_are_one_cluster() -> None:
    examples = [SpanExample("who?", context, ()) for context in ("Anna saw Paris.", " Anna  saw\nParis. ", "Anna saw.")]
    first, second, other = SpanHead().answers.clusters(examples) or []
    assert first == second != other


def example(question: str, context: str, answer: str | None = None) -> SpanExample:
    """Return an example whose answer is the first place where it stands in the context."""
    return SpanExample(question, context, () if answer is None else ((answer, context.index(answer)),))


def span_model(architecture: str) -> PreTrainedModel:
    model: Any = AutoModelForQuestionAnswering.from_config(tiny.config(architecture, **SpanHead().config()))
    return model.eval()  # type: ignore[no-any-return]


def pointing(encoded: Encoded, spans: dict[int, tuple[int, int]]) -> Any:
    """Return a model whose scores are 1 at each row's first and last column, and 0 elsewhere."""
    start = torch.zeros(len(encoded.features["input_ids"]), max(map(len, encoded.features["input_ids"])))
    end = start.clone()
    for row, (first, last) in spans.items():
        start[row, first] = end[row, last] = 1
    return answering(start_logits=start, end_logits=end)


def whole(encoded: Encoded) -> dict[str, torch.Tensor]:
    return collate(encoded, range(len(encoded)))


@settings(deadline=None, max_examples=60)
@given(
    question=st.integers(0, 30),
    context=st.integers(0, 60),
    length=st.integers(8, 40),
    overlap=st.none() | st.integers(0, 50),
    architecture=st.sampled_from(["bert", "bart", "gpt2", "llama", "t5"]),
)
def test_windows_cover_the_context_and_keep_to_the_length(
    question: int, context: int, length: int, overlap: int | None, architecture: str
) -> None:
    asked, told = " ".join(WORDS[:question]), " ".join(WORDS[:context])
    encoded = SpanHead(overlap=overlap).encode(words(architecture), [example(asked, told)], length)
    [windows] = encoded.decoding
    read: list[int] = []
    for row, (first, last, null), begin in zip(
        encoded.features["input_ids"], windows.columns, windows.firsts, strict=True
    ):
        assert begin <= len(read)
        read[begin:] = row[first:last].tolist()
        assert len(row) <= length
        assert not first <= null < last
    assert read == list(range(4, 4 + context))
    assert encoded.rows is not None
    assert encoded.rows.tolist() == [len(windows.firsts)] == [len(encoded.features["input_ids"])]
    shared = [int(before + room - after) for before, after, room in _neighbours(windows)]
    assert all(each >= 0 for each in shared)
    assert overlap != 0 or not any(shared)


def _neighbours(windows: Windows) -> list[tuple[int, int, int]]:
    room = windows.columns[:, 1] - windows.columns[:, 0]
    return list(zip(windows.firsts, windows.firsts[1:], room, strict=False))


@settings(deadline=None, max_examples=100)
@given(before=TEXT, answer=TEXT, after=TEXT, length=st.integers(16, 300))
def test_a_labelled_answer_is_cut_from_the_context_as_it_stands(
    before: str, answer: str, after: str, length: int
) -> None:
    context = before + answer + after
    asked = SpanExample("why?", context, ((answer, len(before)),))
    head = SpanHead(max_answer_length=10_000)
    encoded = head.encode(single_bytes(), [asked], length)
    labels, [windows] = encoded.fixed["labels"], encoded.decoding
    there = labels[:, 0] != windows.columns[:, 2]
    spans = {int(row): tuple(labels[row]) for row in np.flatnonzero(there)}
    for row, span in spans.items():
        [found] = head.predict(pointing(encoded, {row: span}), whole(encoded), encoded.decoding)
        assert found == answer.strip()
    assert there.any() or len(answer.encode()) > (length - 6) // 4


def test_labels_are_the_answer_s_columns_in_windows_that_have_it_whole() -> None:
    head = SpanHead(overlap=2)
    encoded = head.encode(words(), [example("w60 w61", "w4 w5 w6 w7 w8 w9 w10 w11", "w7 w8")], 9)
    assert [row.tolist() for row in encoded.features["input_ids"]] == [
        [2, 60, 61, 3, 4, 5, 6, 7, 3],
        [2, 60, 61, 3, 6, 7, 8, 9, 3],
        [2, 60, 61, 3, 8, 9, 10, 11, 3],
    ]
    assert encoded.fixed["labels"].tolist() == [[0, 0], [5, 6], [0, 0]]
    assert encoded.targets.tolist() == [3]
    assert head.answers.references([example("", "a b", "b"), example("", "a")]) == [["b"], []]


@pytest.mark.parametrize(
    ("architecture", "row", "null"),
    [
        ("bert", [2, 9, 3, 4, 5, 3], 0),
        ("bart", [2, 9, 3, 3, 4, 5, 3], 0),
        ("t5", [9, 3, 4, 5, 3], 4),
        ("llama", [2, 9, 2, 4, 5, 3], 5),
        ("gpt2", [9, 3, 4, 5, 3], 4),
    ],
)
def test_without_an_answer_the_null_position_is_right(architecture: str, row: list[int], null: int) -> None:
    encoded = SpanHead().encode(words(architecture), [example("w9", "w4 w5")], 16)
    assert encoded.features["input_ids"][0].tolist() == row
    assert encoded.fixed["labels"].tolist() == [[null, null]]


def test_a_line_break_divides_question_and_context_where_the_tokenizer_puts_nothing() -> None:
    tokenizer = single_bytes("gpt2")
    encoded = SpanHead().encode(tokenizer, [example("Who?", "Ann", "Ann")], 16)
    assert tokenizer.decode(encoded.features["input_ids"][0]) == "Who?\nAnn</s>"


def test_special_tokens_in_a_text_are_text() -> None:
    encoded = SpanHead().encode(single_bytes("t5"), [example("</s>", "a </s> b", "</s>")], 32)
    assert encoded.features["input_ids"][0].tolist().count(tiny.END) == 2
    [labels] = encoded.fixed["labels"].tolist()
    assert SpanHead().predict(pointing(encoded, {0: tuple(labels)}), whole(encoded), encoded.decoding) == ["</s>"]


@pytest.mark.parametrize("answer", ["cafe\u0301", "हिन्दु", "Oslo"])
def test_accents_that_the_tokenizer_strips_stay_in_the_answer(answer: str) -> None:
    asked = example("q", f"a\u0301 {answer} b", answer)
    encoded = SpanHead().encode(stripping(), [asked], 32)
    [labels] = encoded.fixed["labels"].tolist()
    assert SpanHead().predict(pointing(encoded, {0: tuple(labels)}), whole(encoded), encoded.decoding) == [answer]
    last = SpanHead().encode(stripping(), [example("q", answer, answer)], 32)
    [labels] = last.fixed["labels"].tolist()
    assert SpanHead().predict(pointing(last, {0: tuple(labels)}), whole(last), last.decoding) == [answer]


def test_segments_tell_question_and_context_apart() -> None:
    head = SpanDataset({"train": [example("w4", "w5", "w5")]}).head(tiny.config("bert"))
    encoded = head.encode(words(), [example("w4", "w5 w6")], 16)
    assert encoded.features["token_type_ids"][0].tolist() == [0, 0, 0, 1, 1, 1]
    plain = SpanDataset({"train": []}).head(tiny.config("llama")).encode(words("llama"), [example("w4", "w5")], 16)
    assert set(plain.features) == {"input_ids"}


def test_a_long_question_is_cut_to_half_of_the_room_and_counted() -> None:
    tokenizer, context = words(), " ".join(WORDS[:20])
    examples = [example(" ".join(WORDS[:n]), context) for n in (6, 7, 30)] + [example(" ".join(WORDS[:11]), "w4")]
    encoded = SpanHead().encode(tokenizer, examples, 15)
    questions = [windows.columns[0, 0] - 2 for windows in encoded.decoding]
    assert questions == [6, 6, 6, 11]
    assert encoded.truncated == 2


def test_an_answer_without_a_piece_is_not_learned() -> None:
    encoded = SpanHead().encode(words(), [SpanExample("w4", "w5  w6", ((" ", 3),)), example("w4", "w5", "w5")], 16)
    assert encoded.fixed["labels"].tolist() == [[IGNORED, IGNORED], [3, 3]]
    assert encoded.targets.tolist() == [0, 1]


def test_too_short_a_length_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train.max_length: 4 leaves no room for two texts beside 3 special tokens"):
        SpanHead().encode(words(), [example("w4", "w5", "w5")], 4)


@pytest.mark.parametrize("architecture", WITH_HEAD)
def test_the_loss_is_transformers_own_without_padding(architecture: str) -> None:
    model = span_model(architecture)
    head = SpanDataset({"train": []}, overlap=2).head(model.config)
    told = [example("w9 w8", "w4 w5 w6 w7 w8 w9 w10 w11", "w7 w8"), example("w9", "w4 w5", "w5"), example("w6", "w7")]
    encoded = head.encode(words(architecture), told, 10)
    batch = whole(encoded)
    labels = batch.pop("labels")
    rows = batch.pop("rows")
    lengths, own = batch["attention_mask"].sum(-1).tolist(), 0.0
    for row, length in enumerate(lengths):
        alone = {name: tensor[row : row + 1, :length] for name, tensor in batch.items()}
        positions = {"start_positions": labels[row : row + 1, 0], "end_positions": labels[row : row + 1, 1]}
        own += model(**alone, **positions).loss.item()
    ours = head.loss_sum(model, batch | {"labels": labels, "rows": rows})
    assert int(encoded.targets.sum()) == len(labels) > 3
    assert len({*lengths}) > 1
    assert ours.item() == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("architecture", WITH_HEAD)
def test_answers_are_the_same_alone_and_in_a_batch(architecture: str) -> None:
    model = span_model(architecture)
    head = SpanHead(no_answers=True)
    told = [example("w9", "w4 w5 w6"), example("w9 w8", " ".join(WORDS[:15])), example("w5", "")]
    encoded = head.encode(words(architecture), told, 12)
    together = head.predict(model, whole(encoded), encoded.decoding)
    assert together == [head.predict(model, collate(encoded, [i]), [encoded.decoding[i]])[0] for i in range(3)]
    assert together[2] == ""


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10_000),
    bounds=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 8)), min_size=1, max_size=4),
    longest=st.integers(1, 15),
)
def test_the_best_span_is_that_of_an_exhaustive_search(seed: int, bounds: list[tuple[int, int]], longest: int) -> None:
    start, end = torch.randn(2, len(bounds), 24, generator=torch.Generator().manual_seed(seed))
    columns = torch.tensor([[first, first + length, 0] for first, length in bounds])
    scores, firsts, lasts, null = best_spans(start, end, columns, longest)
    for row, (first, length) in enumerate(bounds):
        spans = {
            (a, b): float(start[row, a] + end[row, b])
            for a in range(first, first + length)
            for b in range(a, min(a + longest, first + length))
        }
        assert float(null[row]) == float(start[row, 0] + end[row, 0])
        if spans:
            assert max(spans.values()) == float(scores[row]) == spans[int(firsts[row]), int(lasts[row])]
        else:
            assert float(scores[row]) == -float("inf")


def test_the_best_window_gives_the_answer() -> None:
    head = SpanHead(overlap=0, max_answer_length=2)
    encoded = head.encode(words(), [example("w60", "w4  w5 w6\tw7 w8"), example("w60", "w9 w10")], 7)
    start = torch.zeros(3, 7)
    end = torch.zeros(3, 7)
    start[0, 4], end[0, 4] = 1, 1
    start[1, 3], end[1, 4] = 2, 1
    start[2, 0] = end[2, 0] = 9  # outside the context
    start[2, 3] = end[2, 4] = 1
    model = answering(start_logits=start, end_logits=end)
    assert head.predict(model, whole(encoded), encoded.decoding) == ["w7 w8", "w9 w10"]


def test_no_answer_is_given_only_where_there_may_be_none() -> None:
    told = [example("w60", " ".join(WORDS[:6])), example("w60", "w4")]
    heads = [SpanDataset({"train": split}, overlap=0).head(tiny.config("bert")) for split in (told[:1], [])]
    encoded = heads[0].encode(words(), told, 7)
    assert encoded.rows is not None
    assert encoded.rows.tolist() == [2, 1]
    start = torch.zeros(3, 7)
    start[:, 3] = torch.tensor([1.0, 2.0, 1.0])
    start[:, 0] = torch.tensor([5.0, 1.9, 1.1])  # of the first example's windows, the lowest counts
    model = answering(start_logits=start, end_logits=torch.zeros(3, 7))
    answers = [head.predict(model, whole(encoded), encoded.decoding) for head in heads]
    assert answers == [["w7", ""], ["w7", "w4"]]


def test_an_answer_is_right_when_it_is_one_of_the_references() -> None:
    head = SpanHead()
    assert head.answers.correct("b", ["a", "b"])
    assert not head.answers.correct("", ["a"])
    assert head.answers.correct("", [])
    assert not head.answers.correct("a", [])
