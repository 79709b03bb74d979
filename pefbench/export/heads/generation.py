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

MARK = "xqzxqz"
"""A placeholder for a prompt, to find what a template writes around it."""


def settings(head: GenerationHead, tokenizer: PreTrainedTokenizerFast) -> Json:
    """What is written around a prompt, and how long an answer may be.

    Raises DataError for encoder-decoders and for decoding that is not greedy.
    """
    if not isinstance(head, CausalHead):
        raise DataError("--as onnx: a bundle has one graph, and an encoder-decoder needs two; use --as merged")
    if head.search.num_beams > 1 or head.search.temperature:
        how = "with beams" if head.search.num_beams > 1 else "by drawing tokens"
        raise DataError(f"--as onnx: the trial's answers are found {how}, a bundle's greedily; use --as merged")
    prompter, _ = for_decoder(tokenizer, head.keep, chat=head.chat, separator=head.separator)
    found = {"max_new_tokens": head.search.max_new_tokens, "keep": head.keep, "chat": isinstance(prompter, Chat)}
    if not isinstance(prompter, Chat):
        return {**found, "before": prompter.before.tolist(), "after": prompter.after.tolist()}
    spaced = _written(prompter, f" {MARK} ")
    before, _, after = _written(prompter, MARK).partition(MARK)
    return {**found, "around": [before, after], "strips": f" {MARK} " not in spaced}


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
