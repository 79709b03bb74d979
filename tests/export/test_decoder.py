"""Bundles of decoders: one graph with a cache generates the trial's texts, from prompts laid out as in training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pefbench
from pefbench.errors import DataError, UserError
from pefbench.export import decoder, graph
from pefbench.export.exporting import export
from pefbench.export.format import Options
from pefbench.export.heads import generation as prompts
from pefbench.heads.causal import CausalHead
from pefbench.heads.examples import GenerationExample
from pefbench.heads.search import Search
from pefbench.heads.seq2seq import Seq2SeqHead
from tests import tiny
from tests.export.scripts import parts_of, reader_of
from tests.export.test_onnx import answered
from tests.tokenizers import CHAT, single_bytes
from tests.trials import dialogue

if TYPE_CHECKING:
    from pathlib import Path

STRIPPING = CHAT.replace("message['content']", "message['content'] | trim")
EXAMPLES = (
    GenerationExample("Who is there?", "I am."),
    GenerationExample(" \n Who is there, at this hour, and why?\n", "I am."),
    GenerationExample("Says 😀 so", "Yes", instruction="Answer.\n"),
    GenerationExample("", "Yes", instruction="Answer this one in many words.\n"),
)
HISTORY = GenerationExample("And now?", "Yes", history=(("user", "Before"), ("assistant", "Then")))


def laid(head: CausalHead, tokenizer: Any, given: Any) -> tuple[list[int], bool]:
    """The tokens of a prompt in the script, and whether it was cut."""
    parts = parts_of("generation", prompts.traits(head, tokenizer))
    found: tuple[list[int], bool] = parts["prompt_ids"](
        given, prompts.settings(head, tokenizer, 40), reader_of(tokenizer)
    )
    return found


@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("template", [CHAT, STRIPPING, None])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_prompts_are_laid_out_and_cut_as_by_the_head(architecture: str, template: str | None, keep: Any) -> None:
    tokenizer = single_bytes(architecture)
    tokenizer.chat_template = template
    head = CausalHead(search=Search(max_new_tokens=8), keep=keep)
    examples = [*EXAMPLES, *([] if template else [HISTORY])]
    encoded = head.encode(tokenizer, examples, 40)
    cut = []
    for example, prompt in zip(examples, encoded.decoding, strict=True):
        given = prompts.given(example, head, tokenizer)
        ids, truncated = laid(head, tokenizer, given)
        np.testing.assert_array_equal(ids, prompt.ids)
        cut.append(truncated)
    assert 0 < sum(cut) < len(cut)


def test_a_prompt_writes_no_token_of_the_model() -> None:
    tokenizer = single_bytes("llama")
    tokenizer.chat_template = CHAT
    head = CausalHead(search=Search(max_new_tokens=8))
    with pytest.raises(ValueError, match="the prompt contains </s>, which is a special token of the model"):
        laid(head, tokenizer, {"prompt": "The end</s>"})
    with pytest.raises(ValueError, match="a history needs the chat template's program"):
        laid(head, tokenizer, {"prompt": "Yes", "history": [["user", "Before"]]})
    with pytest.raises(DataError, match="its test examples are conversations"):
        prompts.given(HISTORY, head, tokenizer)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (CausalHead(search=Search(num_beams=2)), "found with beams, a bundle's greedily"),
        (CausalHead(search=Search(temperature=0.5)), "found by drawing tokens, a bundle's greedily"),
        (Seq2SeqHead(0), "an encoder-decoder needs two"),
    ],
)
def test_what_no_bundle_answers_is_refused(head: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        prompts.settings(head, single_bytes(), 40)


def test_positions_that_depend_on_the_length_are_refused() -> None:
    config = SimpleNamespace(model_type="llama", rope_parameters={"rope_type": "dynamic"})
    with pytest.raises(UserError, match="llama's RoPE depends on the length"):
        decoder.check(config)


def test_a_cache_of_other_things_is_refused(tmp_path: Path) -> None:
    model = tiny.causal_lm("gemma2")
    with pytest.raises(UserError, match="the cache of Gemma2ForCausalLM is not the keys and values of all tokens"):
        decoder.write(model, tmp_path / "model.onnx")


def test_texts_are_those_of_the_trial(tmp_path: Path) -> None:
    trial = dialogue(tmp_path, [f"Who is {i}?" * (1 + i % 3) for i in range(60)], num_hidden_layers=1)
    done = export(trial, tmp_path / "out", "onnx", Options())
    assert "All answers agree" in done.replay
    asked = ["Who is 3?", "Who is there? " * 9, "é"]
    answers = answered(tmp_path / "out", asked)
    assert answers == pefbench.load(trial).predict(asked)
    graph.quantize(tmp_path / "out" / graph.FILE)
    assert [file.name for file in (tmp_path / "out").glob("*model*")] == [graph.FILE]  # no weights in fp32 beside it
    rounded = answered(tmp_path / "out", asked)
    assert [each["prompt_tokens"] for each in rounded] == [each["prompt_tokens"] for each in answers]
