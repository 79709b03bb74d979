"""The generation head: loss on answers alone, prompts that fit, texts that do not depend on the batch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig

from pefbench.errors import RecipeError
from pefbench.heads._generation import reference_lengths, too_short
from pefbench.heads.causal import CausalHead
from pefbench.heads.examples import GenerationExample
from pefbench.heads.generation import GenerationDataset
from pefbench.heads.search import Search
from pefbench.heads.seq2seq import Seq2SeqHead
from pefbench.registry import find
from pefbench.trial.batching import collate
from tests import tiny
from tests.tokenizers import CHAT, WORDS, single_bytes, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.heads._generation import GenerationHead

GENERATORS = tiny.DECODERS + tiny.ENCODER_DECODERS
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SOME = [
    GenerationExample("w9 w8 w7", "w4 w5"),
    GenerationExample("w10", "w6 w7 w8 w9"),
    GenerationExample("w11 w12 w13 w14 w15 w16", "w5"),
    GenerationExample("w20 w21", "w30 w31 w32", history=(("user", "w22 w23"), ("assistant", "w24"))),
]


def head_for(model: PreTrainedModel, **options: Any) -> GenerationHead:
    search = options.pop("search", Search(max_new_tokens=8))
    return GenerationDataset({}, search=search, **options).head(cast("Any", model.config))


def whole(encoded: Encoded) -> dict[str, torch.Tensor]:
    return collate(encoded, range(len(encoded)))


def one_by_one(head: GenerationHead, model: nn.Module, encoded: Encoded) -> Iterator[Any]:
    for i, decoding in enumerate(encoded.decoding):
        yield from head.predict(model, collate(encoded, [i]), [decoding])


def greedy(model: Any, encoded: Encoded, row: int, tokenizer: PreTrainedTokenizerFast, steps: int) -> str:
    """Return what greedy search finds without a cache, padding or transformers' own generation."""
    source = torch.from_numpy(encoded.features["input_ids"][row])[None]
    given = torch.from_numpy(encoded.decoding[row].ids)[None]
    found = given
    for _ in range(steps):
        reads = {"input_ids": found} if "decoder_input_ids" not in encoded.features else {"decoder_input_ids": found}
        mask = torch.ones_like(reads.get("input_ids", source))
        logits = model(**{"input_ids": source, "attention_mask": mask} | reads).logits
        found = torch.cat([found, logits[:, -1:].argmax(-1)], dim=1)
        if found[0, -1] == tiny.END:
            break
    return str(tokenizer.decode(found[0, given.shape[1] :], skip_special_tokens=True))


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize("last_logits", [False, True])
def test_the_loss_is_transformers_own(architecture: str, *, last_logits: bool) -> None:
    model = tiny.model(architecture)
    head = head_for(model)
    if isinstance(head, CausalHead):
        head.last_logits = last_logits
    encoded = head.encode(words(architecture), SOME, 24)
    batch = whole(encoded)
    labels = batch["labels"]
    own = model(**batch).loss
    assert int(encoded.targets.sum()) == int((labels != -100).sum()) == sum(len(e.target.split()) + 1 for e in SOME)
    assert head.loss_sum(model, batch).item() == pytest.approx(own.item() * int(encoded.targets.sum()), rel=1e-5)
    if "decoder_input_ids" in batch:
        made = cast("Any", model).prepare_decoder_input_ids_from_labels(labels)
        assert torch.equal(made[labels != -100], batch["decoder_input_ids"][labels != -100])


@pytest.mark.parametrize("architecture", GENERATORS)
def test_a_batch_generates_what_each_prompt_does_alone_and_without_a_cache(architecture: str) -> None:
    model = tiny.model(architecture, initializer_range=0.5)
    head, tokenizer = head_for(model), words(architecture)
    encoded = head.encode(tokenizer, SOME, 24)
    with torch.inference_mode():
        together = head.predict(model, whole(encoded), encoded.decoding)
        assert together == list(one_by_one(head, model, encoded))
        assert together == [greedy(model, encoded, i, tokenizer, 8) for i in range(len(SOME))]
    assert len(set(together)) > 1


@pytest.mark.parametrize("architecture", GENERATORS)
def test_beams_do_not_depend_on_the_batch(architecture: str) -> None:
    model = tiny.model(architecture, initializer_range=0.5)
    head = head_for(model, search=Search(max_new_tokens=6, num_beams=3))
    encoded = head.encode(words(architecture), SOME, 24)
    assert head.predict(model, whole(encoded), encoded.decoding) == list(one_by_one(head, model, encoded))
    assert head.search.signature == "search:beams-3|new:6"
    assert Search().signature == "search:greedy|new:64"


@pytest.mark.parametrize("architecture", GENERATORS)
def test_what_was_learned_is_generated(architecture: str) -> None:
    model = tiny.model(architecture)
    head = head_for(model)
    encoded = head.encode(words(architecture), SOME, 24)
    batch = whole(encoded)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(40):
        (head.loss_sum(model, batch) / 10).backward()
        optimizer.step()
        optimizer.zero_grad()
    answers = head.predict(model, batch, encoded.decoding)
    assert answers == [example.target for example in SOME]
    assert all(map(head.answers.correct, answers, head.answers.references(SOME)))


def peft_model(base: PreTrainedModel, kind: str, task_type: str) -> Any:
    """Return the model with random adapters, a prefix of keys and values, or a prompt of virtual tokens."""
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model

    config: Any = base.config
    if kind == "lora":
        made: Any = LoraConfig(target_modules="all-linear", init_lora_weights=False)
        made.fan_in_fan_out = config.model_type == "gpt2"
    elif kind == "prefix":
        width = config.d_kv * config.num_heads if config.model_type == "t5" else tiny.HIDDEN
        made = PrefixTuningConfig(num_virtual_tokens=3, token_dim=width)
    else:
        made = PromptTuningConfig(num_virtual_tokens=3, num_transformer_submodules=1)
    made.task_type = task_type
    return get_peft_model(cast("Any", base), made).eval()


@pytest.mark.parametrize(
    ("kind", "architecture"),
    [("lora", "gpt2"), ("lora", "bart"), *((kind, name) for kind in ("prefix", "prompt") for name in GENERATORS)],
)
def test_models_with_an_adapter_or_virtual_tokens_learn_and_generate_alike(kind: str, architecture: str) -> None:
    base = tiny.model(architecture, initializer_range=0.5)
    head, tokenizer = head_for(base), words(architecture)
    model = peft_model(base, kind, head.task_type)
    encoded = head.encode(tokenizer, SOME, 24)
    batch = whole(encoded)
    own = model(**batch).loss
    assert head.loss_sum(model, batch).item() == pytest.approx(own.item() * int(encoded.targets.sum()), rel=1e-4)
    with torch.inference_mode():
        together = head.predict(model, batch, encoded.decoding)
        assert together == list(one_by_one(head, model, encoded))
        assert together == [greedy(model, encoded, i, tokenizer, 8) for i in range(len(SOME))]


@pytest.mark.parametrize("method", ["prefix", "mam", "prompt"])
def test_padding_moves_no_virtual_tokens_out_of_a_window(method: str) -> None:
    base = tiny.causal_lm("mistral", sliding_window=8, initializer_range=0.5)
    chosen: Any = find("method", method)(name=method, num_virtual_tokens=3)
    model = chosen.apply(base, "CAUSAL_LM").eval()
    chosen.on_model_ready(model)
    torch.manual_seed(1)
    for weight in model.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight)
    head, tokenizer = head_for(base), words("mistral")
    long = GenerationExample(" ".join(f"w{i}" for i in range(10, 30)), "w5")
    encoded = head.encode(tokenizer, [SOME[0], long, SOME[1]], 48)
    with torch.inference_mode():
        together = head.predict(model, whole(encoded), encoded.decoding)
        assert together == list(one_by_one(head, model, encoded))
        assert together == [greedy(model, encoded, i, tokenizer, 8) for i in range(3)]


class Parrot(torch.nn.Linear):
    """A stand-in for a model that gives the tokens it was told, behind what it was given, then padding."""

    _supports_sdpa = False

    def __init__(self, answers: list[np.ndarray[Any, Any]]) -> None:
        super().__init__(1, 1)
        self.answers, self.generation_config = answers, GenerationConfig()

    def generate(self, input_ids: torch.Tensor, decoder_input_ids: torch.Tensor | None = None, **_: Any) -> Any:
        given = input_ids if decoder_input_ids is None else decoder_input_ids
        width = max(map(len, self.answers)) + 2
        told = [[*answer.tolist(), *[tiny.PAD] * (width - len(answer))] for answer in self.answers]
        return torch.cat([given, torch.tensor(told)], dim=1)


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3), architecture=st.sampled_from(["gpt2", "bart"]))
def test_answers_survive_the_way_through_pieces(texts: list[tuple[str, str]], architecture: str) -> None:
    head = CausalHead() if architecture == "gpt2" else Seq2SeqHead(tiny.PAD)
    told = [GenerationExample(prompt, target) for prompt, target in texts]
    encoded = head.encode(single_bytes(architecture), told, 400)
    learned = [row[row != -100] for row in encoded.features["labels"]]
    assert all(row[-1] == tiny.END for row in learned)
    parrot = Parrot(learned)
    assert head.predict(parrot, whole(encoded), encoded.decoding) == [target for _, target in texts]


@settings(deadline=None, max_examples=100)
@given(
    prompt=st.integers(0, 60),
    answer=st.integers(0, 40),
    room=st.integers(1, 16),
    length=st.integers(17, 40),
    keep=st.sampled_from(["start", "end"]),
    architecture=st.sampled_from(["gpt2", "llama"]),
)
def test_a_row_fits_and_its_answer_has_the_room_to_be_generated(
    prompt: int, answer: int, room: int, length: int, keep: Any, architecture: str
) -> None:
    head = CausalHead(search=Search(max_new_tokens=room), keep=keep)
    told = GenerationExample(" ".join(WORDS[:prompt]), " ".join(WORDS[:answer]))
    encoded = head.encode(words(architecture), [told], length)
    [decoding], [row], [labels] = encoded.decoding, encoded.features["input_ids"], encoded.features["labels"]
    assert 1 <= len(decoding.ids) <= length - room
    assert len(row) <= length
    assert row[: len(decoding.ids)].tolist() == decoding.ids.tolist()
    assert set(labels[: len(decoding.ids)].tolist()) == {-100}
    learned = row[len(decoding.ids) :].tolist()
    assert labels[len(decoding.ids) :].tolist() == learned
    assert learned == [*range(4, 4 + answer), tiny.END][: length - len(decoding.ids)]
    shown = [token for token in decoding.ids.tolist() if token > tiny.END]
    every = list(range(4, 4 + prompt))
    assert shown == (every[: len(shown)] if keep == "start" else every[prompt - len(shown) :])
    cut = len(shown) < prompt or len(learned) <= answer
    assert encoded.truncated == int(cut)
    assert decoding.reference_length == answer + 1


def test_a_prompt_and_what_was_said_before_are_lines() -> None:
    tokenizer = single_bytes()
    told = GenerationExample("And you?", "Fine", history=(("user", "Hi"), ("assistant", "Hello")))
    encoded = CausalHead().encode(tokenizer, [told], 100)
    assert tokenizer.decode(encoded.features["input_ids"][0]) == "Hi\nHello\nAnd you?\nFine</s>"
    encoded = CausalHead(separator=" => ", chat=False).encode(tokenizer, [GenerationExample("a", "b")], 100)
    assert tokenizer.decode(encoded.features["input_ids"][0]) == "a => b</s>"


def test_an_answer_follows_something_even_when_the_prompt_is_empty() -> None:
    encoded = CausalHead(separator="").encode(words("gpt2"), [GenerationExample("", "w4")], 100)
    assert encoded.features["input_ids"][0].tolist() == [tiny.END, 4, tiny.END]
    assert encoded.features["labels"][0].tolist() == [-100, 4, tiny.END]


def chat(text: str, length: int, keep: Any = "end", history: tuple[tuple[str, str], ...] = ()) -> tuple[str, int]:
    """Return how a prompt is shown through a chat template, and how many were cut."""
    tokenizer = single_bytes(chat_template=CHAT)
    head = CausalHead(keep=keep, search=Search(max_new_tokens=4))
    encoded = head.encode(tokenizer, [GenerationExample(text, "yes", history)], length + 4)
    [decoding], [row] = encoded.decoding, encoded.features["input_ids"]
    assert tokenizer.decode(row[len(decoding.ids) :]) == "yes</s>"
    return str(tokenizer.decode(decoding.ids)), encoded.truncated


def test_decoders_are_asked_by_their_chat_template() -> None:
    said = (("system", "S"), ("user", "u1"), ("assistant", "a1"))
    shown, cut = chat("é</s>", 200, history=said)
    assert shown == ("<s>system\nS</s>\n<s>user\nu1</s>\n<s>assistant\na1</s>\n<s>user\né</s></s>\n<s>assistant\n")
    assert cut == 0
    plain = CausalHead(chat=False).encode(single_bytes(chat_template=CHAT), [GenerationExample("a", "b")], 100)
    assert plain.features["input_ids"][0].tolist() == single_bytes()("a\nb</s>")["input_ids"]


def test_in_a_chat_the_oldest_turns_are_cut_first_and_then_the_prompt() -> None:
    said = (("system", "S"), ("user", "u1"), ("assistant", "a1"), ("user", "u2"))
    shown, cut = chat("0123456789", 62, history=said)
    assert shown == "<s>system\nS</s>\n<s>user\nu2</s>\n<s>user\n0123456789</s>\n<s>assistant\n"
    assert cut == 1
    frame = len("?user\n?\n?assistant\n")
    assert chat("0123456789", frame + 7)[0] == "<s>user\n3456789</s>\n<s>assistant\n"
    assert chat("0123456789", frame + 7, "start")[0] == "<s>user\n0123456</s>\n<s>assistant\n"
    assert chat("日本語", frame + 7)[0] == "<s>user\n本語</s>\n<s>assistant\n"
    assert chat("日本語", frame - 5)[0] == "\n</s>\n<s>assistant\n"


def test_a_chat_template_that_refuses_the_roles_is_the_user_s_mistake() -> None:
    refusing = single_bytes(chat_template="{{ raise_exception('no system role') if messages[0]['role'] == 'system' }}")
    told = GenerationExample("a", "b", history=(("system", "S"),))
    with pytest.raises(RecipeError, match="its chat template refuses the roles system, user: no system role"):
        CausalHead().encode(refusing, [told], 100)


def test_an_encoder_decoder_is_given_what_stands_before_a_target() -> None:
    told = GenerationExample("w4 w5", "w6 w7", history=(("user", "w8"),))
    encoded = Seq2SeqHead(tiny.PAD, search=Search(14)).encode(words("bart"), [told], 16)
    assert {name: rows[0].tolist() for name, rows in encoded.features.items()} == {
        "input_ids": [2, 8, 4, 5, 3],
        "decoder_input_ids": [0, 2, 6, 7],
        "labels": [-100, 6, 7, 3],
    }
    assert encoded.decoding[0].ids.tolist() == [0, 2]
    assert encoded.targets.tolist() == [3]
    again = Seq2SeqHead(tiny.START, search=Search(2)).encode(words("bart"), [told], 4)
    assert {name: rows[0].tolist() for name, rows in again.features.items()} == {
        "input_ids": [2, 4, 5, 3],
        "decoder_input_ids": [2, 6, 7],
        "labels": [6, 7, 3],
    }
    assert again.truncated == 1


def test_what_a_checkpoint_says_of_search_does_not_hold_but_its_special_tokens_do() -> None:
    model = tiny.model("gpt2", initializer_range=0.5)
    head, tokenizer = head_for(model), words("gpt2")
    encoded = head.encode(tokenizer, SOME, 24)
    before = head.predict(model, whole(encoded), encoded.decoding)
    first = tokenizer(before[0])["input_ids"][0]
    own = GenerationConfig(num_beams=4, repetition_penalty=3.0, max_length=3, min_length=20, eos_token_id=3)
    model.generation_config = own
    assert head.predict(model, whole(encoded), encoded.decoding) == before
    assert model.generation_config is own
    own.bad_words_ids = [[first]]
    found = cast("list[str]", head.predict(model, whole(encoded), encoded.decoding))
    assert tokenizer.decode(first) not in " ".join(found).split()
    own.bad_words_ids, own.eos_token_id = None, [3, first]
    assert head.predict(model, whole(encoded), encoded.decoding)[0] == ""


def test_encoders_and_models_without_a_start_are_refused() -> None:
    dataset = GenerationDataset({})
    for name in (*tiny.ENCODERS, "xlnet"):
        with pytest.raises(RecipeError, match=f"model.name: {name} is an encoder and cannot generate text"):
            dataset.head(tiny.config(name))
    with pytest.raises(RecipeError, match="has no decoder_start_token_id"):
        dataset.head(tiny.config("bart", decoder_start_token_id=None))


def test_a_limit_below_the_95th_percentile_of_the_references_is_refused() -> None:
    lengths = np.asarray([1] * 94 + [9] + [50] * 5)
    assert too_short(lengths, 9) is None
    problem = too_short(lengths, 8)
    assert problem == "options.max_new_tokens: 8 tokens cover 94 % of the references; 95 % of them need 9"
    assert too_short(lengths[:0], 1) is None
    head = CausalHead(search=Search(max_new_tokens=4))
    encoded = head.encode(words("gpt2"), SOME, 24)
    assert reference_lengths(encoded).tolist() == [3, 5, 2, 4]
    assert head.remarks({"train": encoded}) == []
    with pytest.raises(RecipeError, match=r"^options\.max_new_tokens: 4 tokens cover 75 % .* need 5 \(split test\)"):
        head.remarks({"train": encoded, "test": encoded})


def test_a_limit_that_leaves_no_room_for_what_stands_before_an_answer_is_refused() -> None:
    told = [(CausalHead(search=Search(max_new_tokens=4)), "gpt2"), (Seq2SeqHead(0, search=Search(3)), "bart")]
    for head, architecture in told:
        with pytest.raises(RecipeError, match=r"a prompt do not fit into train.max_length, 4; at most"):
            head.encode(words(architecture), SOME, 4)


def test_a_reference_has_the_right_texts_and_the_facts() -> None:
    head = CausalHead(search=Search(max_new_tokens=8))
    told = [
        GenerationExample("a", "b", history=(("user", "x"),)),
        GenerationExample("c", "d", references=("d", "e"), facts={"attribute": "good"}),
    ]
    right = head.answers.references(told)
    assert right == [{"texts": ["b"]}, {"texts": ["d", "e"], "attribute": "good"}]
    assert head.answers.correct(" e\n", right[1])
    assert not head.answers.correct("e", right[0])
    assert head.answers.shown(told[0]) == "user: x\na"
    assert head.answers.decoding_signature == "search:greedy|new:8"


@pytest.mark.parametrize("kind", ["none", "prefix", "prompt"])
@pytest.mark.parametrize("architecture", GENERATORS)
def test_predictions_may_say_how_likely_the_right_answer_is(architecture: str, kind: str) -> None:
    base = tiny.model(architecture, initializer_range=0.5)
    head, tokenizer = head_for(base, likelihood=True), words(architecture)
    model = base if kind == "none" else peft_model(base, kind, head.task_type)
    encoded = head.encode(tokenizer, SOME, 24)
    with torch.inference_mode():
        together = head.predict(model, whole(encoded), encoded.decoding)
        alone = list(one_by_one(head, model, encoded))
        losses = [head.loss_sum(model, collate(encoded, [i])).item() for i in range(len(SOME))]
        texts = head_for(base).predict(model, whole(encoded), encoded.decoding)
    assert [answer["text"] for answer in together] == texts
    assert [answer["pieces"] for answer in together] == [len(example.target.split()) + 1 for example in SOME]
    assert [answer["nll"] for answer in together] == pytest.approx(losses, rel=1e-4)
    assert all(map(head.answers.same, together, alone))
    assert all(type(value) in {str, float, int} for answer in together for value in answer.values())


def test_of_answers_with_a_likelihood_the_text_must_be_the_same_and_the_number_nearly() -> None:
    head = CausalHead(likelihood=True)
    answer = {"text": "b ", "nll": 10.0, "pieces": 3}
    assert head.answers.same(answer, answer | {"nll": 10.05})
    assert not head.answers.same(answer, answer | {"nll": 10.5})
    assert not head.answers.same(answer, answer | {"text": "b"})
    assert not head.answers.same(answer, answer | {"pieces": 4})
    assert not CausalHead().answers.same("b ", "b")
    assert head.answers.correct(cast("Any", answer), {"texts": ["a", "b"]})
    assert not head.answers.correct(cast("Any", answer), {"texts": ["a"]})


@pytest.mark.parametrize("keep", ["start", "end"])
def test_of_a_prompt_that_is_too_long_the_instruction_stays(keep: Any) -> None:
    told = GenerationExample("0123456789", "yes", instruction="say: ")
    tokenizer = single_bytes()
    head = CausalHead(search=Search(max_new_tokens=4), keep=keep)
    assert head.answers.shown(told) == "say: 0123456789"
    for room, shown in ((16, "0123456789"), (11, "01234" if keep == "start" else "56789"), (6, ""), (3, "")):
        encoded = head.encode(tokenizer, [told], room + 4)
        assert tokenizer.decode(encoded.decoding[0].ids) == f"say: {shown}\n"[-room:]
        assert encoded.truncated == int(shown != told.prompt)
    source = single_bytes("bart")
    encoded = Seq2SeqHead(tiny.PAD, search=Search(4), keep=keep).encode(source, [told], 12)
    assert source.decode(encoded.features["input_ids"][0]) == f"<s>say: {'01234' if keep == 'start' else '56789'}</s>"


@pytest.mark.parametrize("keep", ["start", "end"])
def test_in_a_chat_the_instruction_stays_too(keep: Any) -> None:
    tokenizer = single_bytes(chat_template=CHAT)
    told = GenerationExample("0123456789", "yes", history=(("user", "u1"), ("assistant", "a1")), instruction="say: ")
    head = CausalHead(keep=keep, search=Search(max_new_tokens=4))
    room = len("?user\nsay: 01234?\n?assistant\n")
    [decoding] = head.encode(tokenizer, [told], room + 4).decoding
    kept = "01234" if keep == "start" else "56789"
    assert tokenizer.decode(decoding.ids) == f"<s>user\nsay: {kept}</s>\n<s>assistant\n"
    [decoding] = head.encode(tokenizer, [told], 200).decoding
    assert str(tokenizer.decode(decoding.ids)).endswith("a1</s>\n<s>user\nsay: 0123456789</s>\n<s>assistant\n")


def test_which_examples_share_a_batch_does_not_depend_on_the_answers() -> None:
    told = [GenerationExample("w4 w5 w6", "w7"), GenerationExample("w4", "w5 w6 w7 w8 w9 w10")]
    head = CausalHead(search=Search(max_new_tokens=8))
    encoded = head.encode(words("gpt2"), told, 24)
    assert encoded.lengths.tolist() == [6, 9]
    assert head.prediction_lengths(encoded).tolist() == [4, 2]
    pair = Seq2SeqHead(tiny.PAD, search=Search(max_new_tokens=8))
    encoded = pair.encode(words("bart"), told, 24)
    assert pair.prediction_lengths(encoded).tolist() == encoded.lengths.tolist() == [5, 3]


ALTERNATING = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}"
)


def test_what_a_chat_template_refuses_is_named_with_its_row() -> None:
    refused = GenerationExample("u", "a", history=(("assistant", "welcome"),), where="x.jsonl:4")
    fine = GenerationExample("u", "a")
    tokenizer = single_bytes(chat_template=ALTERNATING)
    [(number, why)] = CausalHead().refusals(tokenizer, [fine, refused, fine], 999)
    assert number == 1
    assert re.match(r"x\.jsonl:4: .*refuses the roles assistant, user: roles must alternate", why)
    assert list(CausalHead(chat=False).refusals(tokenizer, [refused], 999)) == []
    assert list(CausalHead().refusals(single_bytes(), [refused], 999)) == []


def test_a_text_that_a_chat_template_refuses_is_named_and_its_roles_are_not() -> None:
    template = (
        "{% for m in messages %}{{ raise_exception('no') if 'bad' in m['content'] }}{{ m['content'] }}{% endfor %}"
    )
    bad, fine = GenerationExample("a bad one", "a", where="x.jsonl:7"), GenerationExample("u", "a")
    [(number, why)] = CausalHead().refusals(single_bytes(chat_template=template), [bad, fine], 999)
    assert number == 0
    assert why == "x.jsonl:7: model.name: its chat template refuses the roles user: no"
