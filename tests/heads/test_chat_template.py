"""Chat templates: unsupported messages are rewritten or refused, and no template can hang or reach Python."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pefbench.errors import RecipeError
from pefbench.heads import _chat_template
from pefbench.heads._chat_template import ChatTemplate
from pefbench.heads.causal import CausalHead
from pefbench.heads.examples import GenerationExample
from pefbench.heads.search import Search
from pefbench.models import from_pretrained
from pefbench.trial.batching import collate
from tests import tiny
from tests.tokenizers import CHAT, single_bytes, words

if TYPE_CHECKING:
    from pathlib import Path

NO_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}"
)
IGNORES_SYSTEM = "{% for m in messages if m['role'] != 'system' %}<s>{{ m['content'] }}</s>{% endfor %}"
ALTERNATES = (
    "{% for m in messages %}{% if not loop.first and m['role'] == loop.previtem['role'] %}"
    "{{ raise_exception('twice') }}{% endif %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}"
)
WITH_TOOLS = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}"
    "{% for call in m['tool_calls'] or [] %}[{{ call.id }} {{ call.function.name }} "
    "{{ call.function.arguments | tojson }}]{% endfor %}"
    "{% if m['role'] == 'tool' %}[{{ m['name'] }} {{ m['tool_call_id'] }}]{% endif %}</s>{% endfor %}"
)
CALLS = json.dumps([{"id": "c1", "type": "function", "function": {"name": "time", "arguments": {"city": "Rome"}}}])
TOOLS = json.dumps([{"type": "function", "function": {"name": "time"}}])
TALK = [("user", "u"), ("assistant", "I look."), ("calls", CALLS), ("tool", "12:00")]


def shown(template: str, *messages: tuple[str, str]) -> tuple[str, list[str]]:
    applied = ChatTemplate(single_bytes(chat_template=template))
    return applied.apply(messages, tokenize=False, add_generation_prompt=True), applied.notes


def test_a_system_message_that_is_refused_stands_before_what_the_user_says_first() -> None:
    text, [note] = shown(NO_SYSTEM, ("system", "S"), ("user", "u1"), ("assistant", "a"), ("user", "u2"))
    assert text == "<s>user\nS\n\nu1</s><s>assistant\na</s><s>user\nu2</s>"
    assert note.startswith("the chat template has no system role")


def test_a_system_message_that_is_left_out_in_silence_is_put_so_too() -> None:
    assert shown(IGNORES_SYSTEM, ("system", "S"), ("user", "u"))[0] == "<s>S\n\nu</s>"


def test_several_messages_of_one_role_are_passed_or_joined() -> None:
    twice = [("user", "u1"), ("user", "u2")]
    assert shown(CHAT, *twice) == ("<s>user\nu1</s>\n<s>user\nu2</s>\n<s>assistant\n", [])
    text, [note] = shown(ALTERNATES, *twice)
    assert text == "<s>user\nu1\nu2</s>"
    assert note.startswith("the chat template takes no two messages of one role in a row")


def test_tools_and_their_calls_are_given_to_a_template_that_takes_them() -> None:
    text, notes = shown(WITH_TOOLS, ("tools", TOOLS), *TALK)
    assert text == (
        f'{TOOLS}<s>user\nu</s><s>assistant\nI look.[c1 time {{"city": "Rome"}}]</s><s>tool\n12:00[time c1]</s>'
    )
    assert notes == []


@pytest.mark.parametrize(("messages", "role"), [(TALK, "calls"), ([("tools", TOOLS), ("user", "u")], "tools")])
def test_a_template_that_leaves_tools_out_refuses_the_example(messages: list[tuple[str, str]], role: str) -> None:
    *history, (asks, prompt) = messages
    example = GenerationExample(prompt, "a", history=tuple(history), asks=asks, where="x.jsonl:7")
    refused = CausalHead().refusals(single_bytes(chat_template=CHAT), [example, GenerationExample("u", "a")], 999)
    [(number, why)] = refused
    assert number == 0
    assert why.startswith("x.jsonl:7: model.name: its chat template refuses the roles ")
    assert why.endswith(f"it drops messages of role {role}")


def test_an_empty_message_says_nothing_of_how_its_role_is_taken() -> None:
    ignores = ChatTemplate(single_bytes(chat_template=IGNORES_SYSTEM))
    assert ignores.apply([("system", ""), ("user", "u")], tokenize=False) == "<s>u</s>"
    assert ignores.apply([("system", "S"), ("user", "u")], tokenize=False) == "<s>S\n\nu</s>"


LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
REACHES = "{{ messages.__class__.__mro__ }}"
CHANGES = "{{ messages.append(1) }}"
BREAKS = "{{ messages[0]['content'] + 1 }}"
IN_C = "{% set n = 10 ** 7 %}{{ 'a' * n | string | length }}{{ (3 ** n) * (5 ** n) > 1 }}{{ 7 ** (n * 20) > 1 }}"
FILLS = "{{ messages[0]['content'] * 3000000000 }}"
DOUBLES = (
    "{% set all = namespace(text='ab') %}{% for _ in range(40) %}{% set all.text = all.text ~ all.text %}{% endfor %}"
)
WRITES = "{{ 'a' * 5000000 }}"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (LOOPS, "it did not finish within 0.2 s"),
        (REACHES, "access to attribute '__class__' of 'list' object is unsafe"),
        (CHANGES, "access to attribute 'append' of 'list' object is unsafe"),
        (BREAKS, "can only concatenate str"),
        ("{% for", "unexpected"),
        (IN_C, "it did not finish within 0.2 s"),
        (FILLS, "it takes more than 512 MiB of memory"),
        (DOUBLES, "it takes more than 512 MiB of memory"),
        (WRITES, "it writes more than 4,194,304 characters"),
    ],
)
def test_a_template_that_hangs_reaches_out_or_breaks_is_told_in_one_line(
    template: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "0.2 s" in why:
        monkeypatch.setattr(_chat_template, "SECONDS", 0.2)
    with pytest.raises(RecipeError, match="its chat template refuses the roles user: ") as caught:
        shown(template, ("user", "u"))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits_hold_on_any_thread_and_the_next_template_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chat_template, "SECONDS", 0.2)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(shown, LOOPS, ("user", "u")).exception(60)
        assert "it did not finish within 0.2 s" in str(stopped)
        assert pool.submit(shown, CHAT, ("user", "u")).result(60)[0] == "<s>user\nu</s>\n<s>assistant\n"


def test_a_prompt_is_the_same_on_every_day_and_that_is_said() -> None:
    text, [note] = shown("{{ strftime_now('%d %b %Y') }} {{ messages[0]['content'] }}", ("user", "u"))
    assert text == "26 Jul 2024 u"
    assert "26 July 2024" in note


def test_the_start_token_is_never_doubled() -> None:
    tokenizer = words("llama")
    assert tokenizer("w7")["input_ids"] == [tiny.START, 7], "the tokenizer writes one by itself"
    tokenizer.chat_template = "{{ bos_token }}{% for m in messages %} {{ m['content'] }} </s>{% endfor %}"
    encoded = CausalHead(search=Search(max_new_tokens=4)).encode(tokenizer, [GenerationExample("w7", "w8")], 32)
    assert encoded.features["input_ids"][0].tolist() == [tiny.START, 7, tiny.END, 8, tiny.END]


def test_the_end_token_is_learned_where_padding_is_the_same_token() -> None:
    tokenizer = words("gpt2")
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} </s> {% endfor %}"
    told = [GenerationExample("w4 w5 w6", "w7"), GenerationExample("w4", "w5 w6")]
    head = CausalHead(search=Search(max_new_tokens=4))
    encoded = head.encode(tokenizer, told, 24)
    batch: dict[str, Any] = collate(encoded, [0, 1])
    end = tiny.END
    assert batch["input_ids"].tolist() == [[4, 5, 6, end, 7, end], [4, end, 5, 6, end, end]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]], "by position, not by token"
    assert batch["labels"].tolist() == [[-100] * 4 + [7, end], [-100] * 2 + [5, 6, end, -100]]
    assert [head.marks(encoded, row) for row in (0, 1)] == [[""] * 4 + ["answer"] * 2, [""] * 2 + ["answer"] * 3]
    losses, row = head.losses(tiny.model("gpt2"), batch)
    assert row.tolist() == [0, 0, 1, 1, 1]
    assert encoded.targets.tolist() == [2, 3]
    assert torch.isfinite(losses).all()


def saved(folder: Path, template: Any) -> Any:
    """A tokenizer whose config in the folder has this template, as it is read back."""
    tokenizer = words("gpt2")
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf8")) | {"chat_template": template}))
    return from_pretrained.tokenizer(folder, "the model")


def test_a_template_is_read_wherever_it_stands(tmp_path: Path) -> None:
    expected = "<s>user\nu</s>\n<s>assistant\n"
    named = [{"name": "default", "template": CHAT}, {"name": "tool_use", "template": WITH_TOOLS}]
    in_config, several = saved(tmp_path / "config", CHAT), saved(tmp_path / "named", named)
    words("gpt2").save_pretrained(tmp_path / "file")
    (tmp_path / "file" / "chat_template.jinja").write_text(CHAT, encoding="utf8")
    in_file = from_pretrained.tokenizer(tmp_path / "file", "the model")
    for tokenizer in (in_config, several, in_file):
        found = ChatTemplate(tokenizer).apply([("user", "u")], tokenize=False, add_generation_prompt=True)
        assert found == expected
    with_tools = ChatTemplate(several).apply([("tools", TOOLS), ("user", "u")], tokenize=False)
    assert with_tools == f"{TOOLS}<s>user\nu</s>", "the one for tools is taken where there are some"


def test_of_several_templates_without_a_default_none_is_guessed(tmp_path: Path) -> None:
    several = saved(tmp_path, [{"name": "one", "template": CHAT}, {"name": "two", "template": CHAT}])
    with pytest.raises(RecipeError, match="multiple chat templates with no default"):
        ChatTemplate(several).apply([("user", "u")], tokenize=False)


def test_what_gave_way_to_the_template_is_said() -> None:
    head = CausalHead(search=Search(max_new_tokens=4))
    told = GenerationExample("u", "a", history=(("system", "S"),))
    encoded = head.encode(single_bytes(chat_template=NO_SYSTEM), [told], 60)
    [note] = head.remarks({"train": encoded, "test": encoded})
    assert note.startswith("the chat template has no system role")


def test_the_result_of_a_tool_keeps_the_question_that_led_to_it() -> None:
    head, tokenizer = CausalHead(search=Search(max_new_tokens=2)), single_bytes(chat_template=WITH_TOOLS)
    earlier = (("user", "e" * 50), ("assistant", "f" * 50))
    told = GenerationExample("t" * 60, "a", history=(*earlier, *TALK[:-1]), asks="tool")
    [decoding] = head.encode(tokenizer, [told], 122).decoding
    text = str(tokenizer.decode(decoding.ids))
    assert "user\nu" in text
    assert "e" * 50 not in text
    assert "ttt" in text
    assert len(decoding.ids) <= 120


def test_a_conversation_that_is_refused_once_it_is_cut_is_a_bad_row() -> None:
    fussy = "{% if messages | length < 2 %}{{ raise_exception('too few') }}{% endif %}" + CHAT
    example = GenerationExample("u" * 40, "a", (("user", "v" * 40), ("assistant", "w")), where="x.jsonl:7")
    head = CausalHead(search=Search(max_new_tokens=8))
    assert not list(head.refusals(single_bytes(chat_template=fussy), [example], 999))
    [(number, why)] = head.refusals(single_bytes(chat_template=fussy), [example], 80)
    assert number == 0
    assert re.match("x.jsonl:7: model.name: its chat template refuses .*too few", why)
