"""The sequence head: one label per text, independent of the rest of the batch."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from pefbench.errors import RecipeError, SourceError
from pefbench.heads.examples import SequenceExample
from pefbench.heads.sequence import SequenceDataset, SequenceHead
from pefbench.heads.token import TokenHead
from pefbench.registry import find, names
from pefbench.trial.batching import collate
from tests import tiny
from tests.heads.answering import answering

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from pefbench.methods import Method

LABELS = ["a", "b", "c"]
WORDS = [f"w{i}" for i in range(5, tiny.VOCABULARY)]
SPECIAL = {"<pad>": tiny.PAD, "<unk>": 1, "<s>": tiny.START, "</s>": tiny.END}
VOCABULARY = SPECIAL | {"\n": 4} | {word: 5 + i for i, word in enumerate(WORDS)}
TEMPLATES = {
    "bert": ("<s> $A </s>", "<s> $A </s> $B:1 </s>:1"),
    "bart": ("<s> $A </s>", "<s> $A </s> </s> $B </s>"),
    "t5": ("$A </s>", "$A </s> $B </s>"),
    "llama": ("<s> $A", "<s> $A <s>:1 $B:1"),
}
KINDS = dict.fromkeys(tiny.ENCODERS, "bert") | {"llama": "llama", "bart": "bart", "t5": "t5", "t5-gated": "t5"}
ARCHITECTURES = [name for name in tiny.EVERY if name != "marian"]  # which has no such head in transformers
TEXTS = ["w7 w8 w9 w10 w11 w12", "w9", "", "w20 w7", "w8 </s>", "<pad> w8 </s> w9 w10", "w7 w8 w9 w10 w11"]


@functools.cache
def tokenizer(kind: str | None, *, padded_by: str = "<pad>", names_segments: bool = True) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words with the template of an architecture, or without any."""
    backend = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    if kind:
        single, pair = TEMPLATES[kind]
        specials = [("<s>", tiny.START), ("</s>", tiny.END)]
        backend.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=specials)
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if kind == "bert" and names_segments else [])]
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=padded_by,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_input_names=inputs,
    )


def examples(texts: list[str], pairs: list[str] | None = None) -> list[SequenceExample]:
    seconds: list[str | None] = [None] * len(texts) if pairs is None else [*pairs]
    return [
        SequenceExample(text, LABELS[i % 3], pair) for i, (text, pair) in enumerate(zip(texts, seconds, strict=True))
    ]


def head_for(model: PreTrainedModel) -> SequenceHead:
    return SequenceDataset({}, LABELS).head(model.config)


def classifier(architecture: str, pad_token_id: int | None) -> PreTrainedModel:
    """Return a tiny model with weights far from zero, so that its logits depend on every word."""
    model = tiny.sequence_classifier(architecture, pad_token_id=pad_token_id)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


def logits(model: torch.nn.Module, batch: dict[str, Tensor]) -> Tensor:
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.inference_mode():
        return cast("Tensor", model(**inputs).logits)


@pytest.mark.parametrize(
    ("architecture", "padded_by"),
    [*((name, "<pad>") for name in ARCHITECTURES), *((name, "</s>") for name in tiny.DECODERS)],
)
@pytest.mark.parametrize("paired", [False, True])
def test_a_text_gets_the_same_logits_alone_and_in_a_batch(architecture: str, paired: bool, padded_by: str) -> None:
    words = tokenizer(KINDS.get(architecture), padded_by=padded_by)
    model = classifier(architecture, words.pad_token_id)
    encoded = head_for(model).encode(words, examples(TEXTS, TEXTS[::-1] if paired else None), 32)
    together = logits(model, collate(encoded, range(len(TEXTS))))
    assert together.shape == (len(TEXTS), len(LABELS))
    alone = torch.cat([logits(model, collate(encoded, [i])) for i in range(len(TEXTS))])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert len(torch.unique(alone.round(decimals=3), dim=0)) >= len(TEXTS) - 1  # two are the same without their </s>


VIRTUAL = [name for name in names("method") if find("method", name).model_fields.get("num_virtual_tokens")]


@pytest.mark.parametrize("name", VIRTUAL)
@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama", "t5"])
def test_virtual_tokens_do_not_move_the_place_that_the_head_reads(architecture: str, name: str) -> None:
    words = tokenizer(KINDS.get(architecture), padded_by="</s>" if architecture in tiny.DECODERS else "<pad>")
    model: torch.nn.Module = classifier(architecture, words.pad_token_id)
    head = head_for(cast("PreTrainedModel", model))
    encoded = head.encode(words, examples(TEXTS), 32)
    method: Method = find("method", name)(name=name, num_virtual_tokens=3)
    model = method.apply(model, head.task_type)
    method.on_train_begin(model, words, encoded, 10)
    method.on_model_ready(model.eval())
    together = logits(model, collate(encoded, range(len(TEXTS))))
    alone = torch.cat([logits(model, collate(encoded, [i])) for i in range(len(TEXTS))])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert len(torch.unique(alone.round(decimals=3), dim=0)) >= len(TEXTS) - 1


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "qwen2"])
def test_a_decoder_s_head_reads_the_last_piece_of_the_text(architecture: str) -> None:
    words = tokenizer(KINDS.get(architecture), padded_by="</s>")
    model = classifier(architecture, tiny.END)
    encoded = head_for(model).encode(words, examples(["w7 w8 w9", "w8 </s>", ""]), 32)
    batch = collate(encoded, range(3))
    backbone = model.get_submodule(model.base_model_prefix)
    with torch.inference_mode():
        states = backbone(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        last = states[torch.arange(3), batch["attention_mask"].sum(1) - 1]
        torch.testing.assert_close(logits(model, batch), model.get_submodule("score")(last))


@pytest.mark.parametrize("kind", ["bart", "t5"])
@pytest.mark.parametrize("paired", [False, True])
def test_every_row_has_equally_many_end_tokens(kind: str, paired: bool) -> None:
    head = SequenceHead(LABELS, reads_end=True)
    encoded = head.encode(tokenizer(kind), examples(TEXTS, TEXTS[::-1] if paired else None), 5)
    ends = [int((ids == tiny.END).sum()) for ids in encoded.features["input_ids"]]
    assert set(ends) == {tokenizer(kind).num_special_tokens_to_add(pair=paired) - (kind == "bart")}
    assert all(ids[-1] == tiny.END for ids in encoded.features["input_ids"])


@pytest.mark.parametrize(("kind", "padded_by"), [("llama", "<pad>"), (None, "<pad>"), ("t5", "</s>")])
def test_a_head_that_reads_an_end_which_is_not_there_is_refused(kind: str | None, padded_by: str) -> None:
    with pytest.raises(SourceError, match="head reads the end token"):
        SequenceHead(LABELS, reads_end=True).encode(tokenizer(kind, padded_by=padded_by), examples(["w7"]), 8)


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=5),
    kind=st.sampled_from([*TEMPLATES, None]),
    length=st.integers(4, 10),
)
def test_a_text_is_cut_at_its_end_and_never_dropped(texts: list[list[str]], kind: str | None, length: int) -> None:
    words = tokenizer(kind)
    encoded = SequenceHead(LABELS).encode(words, examples([" ".join(text) for text in texts]), length)
    room = length - words.num_special_tokens_to_add(pair=False)
    for ids, text in zip(encoded.features["input_ids"], texts, strict=True):
        tokens = [int(i) for i in ids if i not in SPECIAL.values()]
        assert tokens == [VOCABULARY[word] for word in text[:room]]
    assert encoded.truncated == sum(len(text) > room for text in texts)
    assert (
        encoded.targets.tolist() == [1] * len(texts) == [len(np.atleast_1d(label)) for label in encoded.fixed["labels"]]
    )
    assert encoded.lengths.min() >= 1
    assert encoded.rows is None


def test_labels_are_one_a_row() -> None:
    encoded = SequenceHead(LABELS).encode(tokenizer("bert"), examples(["w7", "w8 w9", "w10", "w11"]), 8)
    assert encoded.fixed["labels"].tolist() == [0, 1, 2, 0]
    assert collate(encoded, [2, 1])["labels"].tolist() == [2, 1]
    assert set(encoded.features) == {"input_ids"}


def test_of_a_pair_the_longer_text_is_cut_first() -> None:
    pair = examples(["w7 w8 w9 w10 w11 w12", "w7"], ["w20 w21", "w20 w21 w22 w23 w24"])
    encoded = SequenceHead(LABELS).encode(tokenizer("bert"), pair, 8)
    found = [tokenizer("bert").decode(ids.tolist()) for ids in encoded.features["input_ids"]]
    assert found == ["<s> w7 w8 w9 </s> w20 w21 </s>", "<s> w7 </s> w20 w21 w22 w23 </s>"]
    assert encoded.truncated == 2


@pytest.mark.parametrize(("types", "expected"), [(2, True), (1, False), (0, False)])
def test_a_pair_has_segments_where_the_model_has_them(types: int, expected: bool) -> None:
    config = tiny.config("bert", type_vocab_size=types)
    head = SequenceDataset({}, LABELS).head(config)
    encoded = head.encode(tokenizer("bert"), examples(["w7 w8", "w9"], ["w10", "w11"]), 16)
    assert ("token_type_ids" in encoded.features) == expected
    if expected:
        batch = collate(encoded, [0, 1])
        assert batch["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]]
    assert "token_type_ids" not in head.encode(tokenizer("bert"), examples(["w7"]), 16).features


def test_segments_do_not_wait_for_a_tokenizer_to_name_them() -> None:
    """In transformers 5 ALBERT's and BigBird's no longer do, nor do those of no class of their own."""
    unnamed = tokenizer("bert", names_segments=False)
    assert "token_type_ids" not in unnamed(["w7"], ["w8"])
    head = SequenceDataset({}, LABELS).head(tiny.config("albert"))
    encoded = head.encode(unnamed, examples(["w7 w8"], ["w10"]), 16)
    assert [types.tolist() for types in encoded.features["token_type_ids"]] == [[0, 0, 0, 0, 1, 1]]


def test_something_stands_between_the_texts_of_a_pair() -> None:
    class Spy:
        """A tokenizer that remembers what it was given."""

        def __init__(self, kind: str | None) -> None:
            self.real, self.seen = tokenizer(kind), []  # type: tuple[PreTrainedTokenizerFast, list[Any]]

        def __call__(self, *texts: Any, **options: Any) -> Any:
            self.seen.append(texts[1])
            return self.real(*texts, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    for kind in (None, "llama", "bert"):
        spy = Spy(kind)
        mixed = [*examples(["w7"], ["w8"]), SequenceExample("w7", "a")]
        SequenceHead(LABELS).encode(cast("PreTrainedTokenizerFast", spy), mixed, 8)
        assert spy.seen == [["\nw8", "\n"] if kind is None else ["w8", ""]]


def test_the_loss_is_a_sum_over_texts() -> None:
    head = SequenceHead(LABELS)
    batch = collate(head.encode(tokenizer("bert"), examples(["w7", "w8"]), 8), [0, 1])
    output = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    expected = -(output.log_softmax(-1)[0, 0] + output.log_softmax(-1)[1, 1])
    loss = head.loss_sum(answering(output.bfloat16()), batch)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=1e-2)
    assert head.loss_sum(answering(output), batch).item() == pytest.approx(expected.item(), rel=1e-6)


def test_predictions_and_references_are_names() -> None:
    head = SequenceHead(LABELS)
    both = examples(["w7", "w8"])
    encoded = head.encode(tokenizer("bert"), both, 8)
    output = torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert head.predict(answering(output), collate(encoded, [0, 1]), encoded.decoding) == ["b", "a"]
    assert head.answers.references(both) == ["a", "b"]
    assert head.config() == {"id2label": {0: "a", 1: "b", 2: "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}


def test_a_label_that_is_outside_has_its_probability_beside_each_answer() -> None:
    head = SequenceDataset({}, LABELS, outside="b").head(tiny.sequence_classifier("bert", pad_token_id=tiny.PAD).config)
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    answers = head.predict(answering(logits), {}, [None, None])
    expected = torch.softmax(logits, -1)[:, 1].tolist()
    assert [answer["label"] for answer in answers if isinstance(answer, dict)] == ["a", "b"]
    assert [answer["outside"] for answer in answers if isinstance(answer, dict)] == pytest.approx(expected, abs=1e-8)
    assert head.answers.correct(answers[0], "a")
    assert not head.answers.correct(answers[0], "b")
    assert head.answers.same(answers[1], {"label": "b", "outside": expected[1] + 1e-5})
    assert not head.answers.same(answers[1], {"label": "b", "outside": 0.1})
    assert not head.answers.same(answers[1], "b")


TOKEN_HEADS = [name for name in ARCHITECTURES if name != "bart"]  # which has no head for tokens in transformers


@pytest.mark.parametrize("architecture", TOKEN_HEADS)
def test_pooled_it_reads_a_linear_map_of_the_mean_of_all_states(architecture: str) -> None:
    words = tokenizer(KINDS.get(architecture))
    head = SequenceDataset({}, LABELS).head(tiny.config(architecture)).pooled()
    assert (head.auto_class, head.task_type) == ("AutoModelForTokenClassification", "TOKEN_CLS")
    model = tiny.token_classifier(architecture)
    seen_by_head: dict[str, Tensor] = {}
    linear = next(each for each in reversed([*model.modules()]) if getattr(each, "out_features", 0) == len(LABELS))
    linear.register_forward_pre_hook(lambda _, given: seen_by_head.update(states=given[0]))
    encoded = head.encode(words, examples(TEXTS), 32)
    batch = collate(encoded, range(len(TEXTS)))
    with torch.inference_mode():
        found = head.outputs(model, batch)
        alone = torch.cat([head.outputs(model, collate(encoded, [i])) for i in range(len(TEXTS))])
        head.outputs(model, batch)
        means = [
            states[seen].mean(0)
            for states, seen in zip(seen_by_head["states"], batch["attention_mask"].bool(), strict=True)
        ]
        expected = linear(torch.stack(means))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-5)


def test_what_is_asked_of_single_words_cannot_be_pooled() -> None:
    with pytest.raises(RecipeError, match=r"^model\.pooling: applies to tasks on whole texts only"):
        TokenHead(["O"]).pooled()


def test_balanced_each_class_weighs_as_scikit_learn_s_do() -> None:
    drawn = np.random.default_rng(0).choice(LABELS, 50, p=[0.7, *[0.3 / (len(LABELS) - 1)] * (len(LABELS) - 1)])
    train = [SequenceExample("text", str(label)) for label in drawn]
    head = SequenceDataset({}, LABELS).head(tiny.config("bert"))
    assert head.weights is None
    weighted = head.balanced(train)
    assert head.weights is None
    expected = compute_class_weight("balanced", classes=np.asarray(LABELS), y=drawn)
    assert weighted.weights == pytest.approx(expected)
    targets = weighted.targets(train)
    assert weighted.weights is not None
    assert weighted.weights[targets].mean() == pytest.approx(1)


def test_balanced_the_loss_is_the_weighted_sum_of_each_text_s() -> None:
    head = SequenceDataset({}, LABELS).head(tiny.config("bert"))
    train = examples(TEXTS)
    weighted = head.balanced([*train, train[0], train[0]])
    model = tiny.sequence_classifier("bert")
    encoded = head.encode(tokenizer(KINDS.get("bert")), train, 32)
    assert weighted.weights is not None
    with torch.inference_mode():
        alone = [head.loss_sum(model, collate(encoded, [i])).item() for i in range(len(train))]
        together = weighted.loss_sum(model, collate(encoded, range(len(train)))).item()
    expected = sum(weighted.weights[target] * loss for target, loss in zip(head.targets(train), alone, strict=True))
    assert together == pytest.approx(expected, rel=1e-5)


def test_a_class_that_has_no_training_text_left_divides_nothing() -> None:
    head = SequenceDataset({}, LABELS).head(tiny.config("bert")).balanced([SequenceExample("text", LABELS[0])])
    assert head.weights is not None
    assert np.isfinite(head.weights).all()


def test_what_has_no_classes_of_texts_cannot_be_balanced() -> None:
    with pytest.raises(RecipeError, match=r"^train\.class_weights: applies to classification of whole texts only"):
        TokenHead(["O"]).balanced([])
