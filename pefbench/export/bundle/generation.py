"""A text that continues a prompt, decoded greedily with a cache of keys and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Array, Bundle
from pefbench.heads._pairs import cut


def answer(bundle: Bundle, given: Any) -> Answer:
    """The text for a prompt, or for {"prompt", "instruction", "history"}; the last two are optional."""
    asked = {"prompt": given} if isinstance(given, str) else given
    step, truncated = (by_template if bundle["chat"] else as_lines)(bundle, asked)
    read, tokens = len(step), list[int]()
    cache: dict[str, Array] = {
        name: np.zeros((1, heads, 0, width), dtype=np.float32) for name, heads, width in bundle["cache"]
    }
    while len(tokens) < bundle["max_new_tokens"] and not (tokens and tokens[-1] in bundle["ends"]):
        seen = np.ones((1, read + len(tokens)), dtype=np.int64)
        inputs = {"input_ids": step[None], "attention_mask": seen, **cache}
        logits, *kept = bundle.session.run(None, {name: inputs[name] for name in bundle.names})
        cache = dict(zip(cache, kept, strict=True))
        tokens.append(int(logits[0, -1].argmax()))
        step = np.asarray(tokens[-1:], dtype=np.int64)
    ended = tokens[-1] in bundle["ends"]
    text = bundle.tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=True)
    finish = "stop" if ended else "length"
    counts = {"tokens": len(tokens), "prompt_tokens": read, "truncated": truncated}
    return {"text": text, "finish_reason": finish, **counts}


def as_lines(bundle: Bundle, asked: Answer) -> tuple[Array, bool]:
    """The token ids of instruction and prompt without a chat template, and whether the prompt was cut."""
    instruction = asked.get("instruction", "")
    turns = [text for _, text in asked.get("history", [])]
    text = instruction + "\n".join([*turns, asked["prompt"]])
    encoding = bundle.tokenizer.encode(text, add_special_tokens=False)
    ids = np.asarray(encoding.ids, dtype=np.int64)
    first = sum(start < len(instruction) for start, _ in encoding.offsets)
    around = len(bundle["before"]) + len(bundle["after"])
    longest = bundle["max_length"] - bundle["max_new_tokens"]
    room = max(0, longest - around)
    kept = cut(ids[first:], max(0, room - first), bundle["keep"])
    parts = [bundle["before"], ids[:first], kept, bundle["after"]]
    whole = np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])
    return cut(whole, longest, "end"), len(ids) > room


def by_template(bundle: Bundle, asked: Answer) -> tuple[Array, bool]:
    """The token ids of a prompt as a user's first message in the chat template, and whether it was cut."""
    if asked.get("history"):
        raise ValueError("a history needs the chat template's program, which a bundle lacks: give only the prompt")
    instruction, text = asked.get("instruction", ""), asked["prompt"]
    added = [each.content for each in bundle.tokenizer.get_added_tokens_decoder().values() if each.special]
    if written := [each for each in added if each in instruction + text]:
        raise ValueError(f"the prompt contains {written[0]}, which is a special token of the model")
    whole = found = in_template(bundle, instruction + text)
    room = bundle["max_length"] - bundle["max_new_tokens"]
    while len(found) > room and text:
        text = shorter(bundle, text, len(found) - room)
        found = in_template(bundle, instruction + text)
    return cut(found, room, "end"), len(whole) > room


def in_template(bundle: Bundle, text: str) -> Array:
    """The token ids of a text inside the chat template."""
    bundle.tokenizer.encode_special_tokens = False
    before, after = bundle["around"]
    said = text.strip() if bundle["strips"] else text
    ids = bundle.tokenizer.encode(f"{before}{said}{after}", add_special_tokens=False).ids
    bundle.tokenizer.encode_special_tokens = True
    return np.asarray(ids, dtype=np.int64)


def shorter(bundle: Bundle, text: str, excess: int) -> str:
    """A text without about `excess` of its tokens; at least one character shorter."""
    offsets = np.asarray(bundle.tokenizer.encode(text, add_special_tokens=False).offsets).reshape(-1, 2)
    kept = cut(offsets, len(offsets) - excess, bundle["keep"]) if len(offsets) > excess else offsets[:0]
    if not len(kept):
        return ""
    if bundle["keep"] == "start":
        return text[: min(int(kept[-1, 1]), len(text) - 1)]
    return text[max(int(kept[0, 0]), 1) :]


if __name__ == "__main__":
    main(answer)
