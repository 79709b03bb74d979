"""The choice heads: one score per candidate, for any number of candidates, by a head or by likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models
from transformers import AutoModelForMultipleChoice, AutoModelForSequenceClassification

from pefbench.errors import DataError, RecipeError
from pefbench.heads.choice import ChoiceDataset, ChoiceHead
from pefbench.heads.examples import ChoiceExample
from pefbench.heads.likelihood import LikelihoodHead
from pefbench.trial.batching import collate
from tests import tiny
from tests.heads.answering import answering
from tests.tokenizers import WORDS, single_bytes, words

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pefbench.heads import Choice, Encoded

WITH_HEAD = [name for name in tiny.EVERY if name != "marian"]
SOME = [
    ChoiceExample("w9 w8", ("w4", "w5 w6", "w7"), 1),
    ChoiceExample("w9 w10 w11", ("w20 w21 w22", "w23"), 0),
    ChoiceExample("", ("w30",), 0),
]


def scorer(architecture: str) -> PreTrainedModel:
    config = tiny.config(architecture, **ChoiceHead().config())
    model: Any = AutoModelForSequenceClassification.from_config(config)
    return model.eval()  # type: ignore[no-any-return]


def whole(encoded: Encoded) -> dict[str, torch.Tensor]:
    return collate(encoded, range(len(encoded)))


def test_each_candidate_is_a_row_behind_its_context() -> None:
    encoded = ChoiceHead(segments=True).encode(words(), SOME[:2], 16)
    assert [row.tolist() for row in encoded.features["input_ids"]] == [
        [2, 9, 8, 3, 4, 3],
        [2, 9, 8, 3, 5, 6, 3],
        [2, 9, 8, 3, 7, 3],
        [2, 9, 10, 11, 3, 20, 21, 22, 3],
        [2, 9, 10, 11, 3, 23, 3],
    ]
    assert encoded.features["token_type_ids"][1].tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert encoded.fixed["labels"].tolist() == [0, 1, 0, 1, 0]
    assert whole(encoded)["rows"].tolist() == [3, 2]
    assert encoded.targets.tolist() == [1, 1]


@settings(deadline=None, max_examples=60)
@given(
    context=st.integers(0, 40),
    candidates=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    length=st.integers(8, 30),
    keep=st.sampled_from(["start", "end"]),
)
def test_of_long_rows_neither_text_is_cut_below_half(
    context: int, candidates: list[int], length: int, keep: Any
) -> None:
    asked = ChoiceExample(" ".join(WORDS[:context]), tuple(" ".join(WORDS[:n]) for n in candidates), 0)
    encoded = ChoiceHead(keep=keep).encode(words(), [asked], length)
    room = length - 3
    for row, candidate in zip(encoded.features["input_ids"], candidates, strict=True):
        first, second = (part.tolist() for part in np.split(row[1:-1], np.flatnonzero(row[1:-1] == tiny.END)))
        read = list(range(4, 4 + context))
        assert first == (read[: len(first)] if keep == "start" else read[context - len(first) :])
        assert second[1:] == list(range(4, 4 + candidate))[: len(second) - 1]
        assert len(first) >= min(context, room // 2)
        assert len(second) - 1 >= min(candidate, room // 2)
        assert len(row) == length or (len(first), len(second) - 1) == (context, candidate)
    assert encoded.truncated == any(context + candidate > room for candidate in candidates)


@settings(deadline=None, max_examples=60)
@given(
    scores=st.lists(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=6), min_size=1, max_size=5),
    data=st.data(),
)
def test_the_loss_is_the_cross_entropy_over_each_example_s_candidates(
    scores: list[list[float]], data: st.DataObject
) -> None:
    told = [ChoiceExample("w4", ("w5",) * len(each), data.draw(st.integers(0, len(each) - 1))) for each in scores]
    encoded = ChoiceHead().encode(words(), told, 16)
    model = answering(torch.tensor([[score] for each in scores for score in each]))
    expected = -sum(
        float(torch.tensor(each).double().log_softmax(0)[example.label])
        for each, example in zip(scores, told, strict=True)
    )
    assert ChoiceHead().loss_sum(model, whole(encoded)).item() == pytest.approx(expected, rel=1e-5, abs=1e-4)
    for answer, each in zip(ChoiceHead().predict(model, whole(encoded), encoded.decoding), scores, strict=True):
        assert answer["scores"] == pytest.approx(each, abs=1e-6)
        assert answer["choice"] == int(np.argmax(answer["scores"]))


@pytest.mark.parametrize("architecture", ["bert", "distilbert"])
def test_the_head_computes_as_transformers_multiple_choice(architecture: str) -> None:
    model = scorer(architecture)
    own: Any = AutoModelForMultipleChoice.from_config(model.config).eval()
    own.load_state_dict(model.state_dict())
    head = ChoiceDataset({}).head(model.config)
    encoded = head.encode(words(architecture), [SOME[0], ChoiceExample("w9", ("w4 w5", "w6", "w7"), 2)], 16)
    batch = whole(encoded)
    inputs = {name: tensor.view(2, 3, -1) for name, tensor in batch.items() if name not in ("labels", "rows")}
    theirs = own(**inputs, labels=torch.tensor([1, 2]))
    assert head.scores(model, batch).tolist() == pytest.approx(theirs.logits.flatten().tolist(), abs=1e-6)
    assert head.loss_sum(model, batch).item() == pytest.approx(2 * theirs.loss.item(), rel=1e-5)


@pytest.mark.parametrize("architecture", WITH_HEAD)
def test_a_few_steps_choose_right_on_every_architecture_with_a_sequence_head(architecture: str) -> None:
    model = scorer(architecture)
    head = ChoiceDataset({}).head(model.config)
    encoded = head.encode(words(architecture), SOME, 16)
    batch = whole(encoded)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(25):
        losses.append(head.loss_sum(model, batch))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1].isfinite()
    assert losses[-1].item() < 0.5 * losses[0].item()
    answers = head.predict(model, batch, encoded.decoding)
    assert [len(answer["scores"]) for answer in answers] == [3, 2, 1]
    assert all(map(head.answers.correct, answers, head.answers.references(SOME)))
    for i, answer in enumerate(answers):
        [alone] = head.predict(model, collate(encoded, [i]), [None])
        assert alone["scores"] == pytest.approx(answer["scores"], abs=1e-4)


def test_answers_agree_when_their_scores_do_but_for_rounding() -> None:
    before: Choice = {"choice": 0, "scores": [1.0, 0.99999]}
    assert ChoiceHead().answers.same(before, {"choice": 1, "scores": [0.99999, 1.0]})
    assert not ChoiceHead().answers.same(before, {"choice": 0, "scores": [1.0, 0.9]})


def test_a_label_that_is_no_candidate_is_refused() -> None:
    with pytest.raises(DataError, match="choice 1: the right candidate is number 2 of 2"):
        ChoiceHead().encode(words(), [SOME[0], ChoiceExample("w4", ("w5", "w6"), 2)], 16)


def test_decoders_compare_likelihoods_where_the_data_set_says_so() -> None:
    heads = {
        (name, likelihood): ChoiceDataset({}, likelihood=likelihood).head(tiny.config(name))
        for name in tiny.EVERY
        for likelihood in (False, True)
    }
    by_likelihood = {key for key, head in heads.items() if isinstance(head, LikelihoodHead)}
    assert by_likelihood == {(name, True) for name in tiny.DECODERS}


@pytest.mark.parametrize("architecture", tiny.DECODERS)
def test_a_candidate_s_likelihood_is_transformers_own_mean_loss(architecture: str) -> None:
    model = tiny.causal_lm(architecture)
    head = ChoiceDataset({}, likelihood=True).head(model.config)
    encoded = head.encode(words(architecture), SOME, 16)
    scores = head.scores(model, whole(encoded)).tolist()
    lengths = [len(text.split()) for example in SOME for text in example.candidates]
    assert len(scores) == len(lengths) == 6
    for row, length, score in zip(encoded.features["input_ids"], lengths, scores, strict=True):
        ids = torch.from_numpy(row)[None]
        labels = ids.clone()
        labels[0, :-length] = -100
        assert score == pytest.approx(-model(input_ids=ids, labels=labels).loss.item(), rel=1e-5)


def test_what_is_likely_is_the_candidate_and_the_space_before_it() -> None:
    tokenizer = single_bytes()
    told = [ChoiceExample("I am", ("é", "out"), 0), ChoiceExample("", ("x",), 0)]
    encoded = LikelihoodHead().encode(tokenizer, told, 16)
    assert [tokenizer.decode(row) for row in encoded.features["input_ids"]] == ["</s>I am é", "</s>I am out", "</s> x"]
    assert encoded.fixed["labels"].tolist() == [[1, 3], [0, 4], [1, 2]]
    short = LikelihoodHead().encode(tokenizer, told, 5)
    assert [tokenizer.decode(row) for row in short.features["input_ids"]] == ["</s>m é", "</s> out", "</s> x"]
    assert short.truncated == 1
    first = LikelihoodHead(keep="start").encode(tokenizer, told, 5)
    assert tokenizer.decode(first.features["input_ids"][0]) == "</s>I é"
    longer = LikelihoodHead().encode(tokenizer, [ChoiceExample("a", ("bcdefg",), 0)], 5)
    assert tokenizer.decode(longer.features["input_ids"][0]) == "</s> bcd"
    assert longer.fixed["labels"].tolist() == [[1, 4]]


@pytest.mark.parametrize("context", ["is it a", "is it a ", "is it a\n"])
def test_the_space_before_a_candidate_is_scored_whether_it_is_a_token_of_its_own_or_not(context: str) -> None:
    """As in lm-evaluation-harness, where all tokens after those of the context without its last spaces are scored."""
    tokenizer = single_bytes()
    bytes_of = tokenizer.get_vocab()
    merges = [("Ġ", "c"), ("Ġc", "a"), ("Ġca", "t")]
    merged = {"".join(pair): len(bytes_of) + i for i, pair in enumerate(merges)}
    tokenizer.backend_tokenizer.model = models.BPE(bytes_of | merged, merges)
    encoded = LikelihoodHead().encode(tokenizer, [ChoiceExample(context, ("cat", "dog"), 0)], 32)
    lengths = encoded.fixed["labels"][:, 1].tolist()
    scored = [row[-length:].tolist() for row, length in zip(encoded.features["input_ids"], lengths, strict=True)]
    behind = context.removeprefix("is it a")
    assert [tokenizer.decode(row) for row in scored] == [f"{behind} cat", f"{behind} dog"]
    assert lengths == [len(behind) + 1, len(behind) + 4]
    before = len(tokenizer("is it a")["input_ids"])
    assert scored == [tokenizer(f"{context} {word}")["input_ids"][before:] for word in ("cat", "dog")]


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_per_byte_is_the_sum_over_the_bytes_of_the_candidate_alone(architecture: str) -> None:
    """As acc_bytes of lm-evaluation-harness: the summed log-likelihood over the length of the choice's text."""
    model, tokenizer = tiny.causal_lm(architecture), words(architecture)
    per_token, per_byte = (LikelihoodHead(per=per) for per in ("token", "byte"))
    found = per_byte.scores(model, whole(per_byte.encode(tokenizer, SOME, 16))).tolist()
    encoded = per_token.encode(tokenizer, SOME, 16)
    candidates = [text for example in SOME for text in example.candidates]
    for row, candidate, score in zip(encoded.features["input_ids"], candidates, found, strict=True):
        logits = model(input_ids=torch.from_numpy(row)[None]).logits[0].log_softmax(-1)
        total = sum(logits[at - 1, row[at]].item() for at in range(len(row) - len(candidate.split()), len(row)))
        assert score == pytest.approx(total / len(candidate.encode()), rel=1e-4)
    assert per_byte.answers.decoding_signature == "likelihood:per-byte|space:scored"
    assert per_token.answers.decoding_signature == "likelihood:per-token|space:scored"
    assert ChoiceHead().answers.decoding_signature == ""


def test_bytes_are_of_utf_8_without_the_separator() -> None:
    encoded = LikelihoodHead(per="byte").encode(single_bytes(), [ChoiceExample("I am", ("é", "out"), 0)], 16)
    assert encoded.fixed["labels"].tolist() == [[1, 3, 2], [0, 4, 3]]
    characters = LikelihoodHead(per="character").encode(single_bytes(), [ChoiceExample("I am", ("é", "out"), 0)], 16)
    assert characters.fixed["labels"].tolist() == [[1, 3, 1], [0, 4, 3]]


def test_an_empty_candidate_has_no_likelihood() -> None:
    with pytest.raises(DataError, match="the candidate '' has no tokens"):
        LikelihoodHead().encode(single_bytes(), [ChoiceExample("a", ("b", ""), 0)], 16)


def test_too_short_a_length_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train.max_length: 4 leaves no room for two texts"):
        ChoiceHead().encode(words(), SOME, 4)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "llama"])
def test_pooled_a_candidate_s_score_is_the_mean_of_its_row(architecture: str) -> None:
    model = tiny.token_classifier(architecture, num_labels=1)
    head = ChoiceHead().pooled()
    batch = whole(head.encode(words(), SOME, 24))
    with torch.inference_mode():
        found = head.scores(model, batch)
        inputs = {name: tensor for name, tensor in batch.items() if name not in ("labels", "rows")}
        each = model(**inputs).logits[:, :, 0]
    expected = [row[seen].mean() for row, seen in zip(each, batch["attention_mask"].bool(), strict=True)]
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-6, rtol=1e-5)
