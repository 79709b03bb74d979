"""A text that continues a prompt, decoded greedily by a decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.heads._prompts import Chat, for_decoder
from pefbench.heads.causal import CausalHead

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._generation import GenerationHead
    from pefbench.heads.examples import GenerationExample
    from pefbench.inference.kind import Json

INPUT = 'a text, or {"prompt": "...", "instruction": "..."}'
MARK = "xqzxqz"
"""A placeholder for a prompt, to find what a template writes around it."""


def settings(head: GenerationHead, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Json:
    """What is written around a prompt, and how long an answer may be.

    Raises DataError for encoder-decoders and for decoding that is not greedy.
    """
    if not isinstance(head, CausalHead):
        raise DataError("--as onnx: a bundle has one graph, and an encoder-decoder needs two; use --as merged")
    if head.search.num_beams > 1 or head.search.temperature:
        how = "with beams" if head.search.num_beams > 1 else "by drawing tokens"
        raise DataError(f"--as onnx: the trial's answers are found {how}, a bundle's greedily; use --as merged")
    prompter, _ = for_decoder(tokenizer, head.keep, chat=head.chat, separator=head.separator)
    longest = head.search.max_new_tokens
    found = {"input": f"{INPUT} with --json", "max_new_tokens": longest, "room": max_length - longest}
    if not isinstance(prompter, Chat):
        return {**found, "before": prompter.before.tolist(), "after": prompter.after.tolist()}
    before, _, after = _written(prompter, MARK).partition(MARK)
    special = [each.content for each in tokenizer.added_tokens_decoder.values() if each.special]
    return {**found, "around": [before, after], "special": special}


def traits(head: CausalHead, tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Whether prompts stand in a chat template, whether it strips them, and which end is kept if one is too long."""
    prompter, _ = for_decoder(tokenizer, head.keep, chat=head.chat, separator=head.separator)
    keep = f"keep_{head.keep}"
    if not isinstance(prompter, Chat):
        return ["lines", keep]
    strips = f" {MARK} " not in _written(prompter, f" {MARK} ")
    return ["chat", keep, *(["strips"] if strips else [])]


def given(example: GenerationExample, head: CausalHead, tokenizer: PreTrainedTokenizerFast) -> Json:
    """An example as the script's input. Raises DataError for a conversation, which needs the template's program."""
    if head.chat and tokenizer.chat_template and (example.history or example.asks != "user"):
        raise DataError(
            "--as onnx: its test examples are conversations, which need the chat template's program (jinja), and a "
            "bundle has none; use --as merged"
        )
    more: Json = {"instruction": example.instruction, "history": [[*turn] for turn in example.history]}
    return {"prompt": example.prompt, **{name: value for name, value in more.items() if value}}


def _written(prompter: Chat, text: str) -> str:
    """The template's text for a user's first message, up to the beginning of the answer."""
    written: str = prompter.template.apply([("user", text)], tokenize=False, add_generation_prompt=True)
    return written
