"""A text that continues a prompt, decoded greedily with a cache of keys and values."""

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from pefbench.export.bundle.lines import prompt_ids  # in a chat's script, that of `chat`


def answer(given: dict, settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> dict:
    """The text for {"prompt"}, and optionally an "instruction" before it."""  # only chat
    """The text for {"prompt"}, and optionally an "instruction" and a "history": [[role, text], ...]."""  # only lines
    ids, truncated = prompt_ids(given, settings, tokenizer)
    cache = {name: np.zeros((1, heads, 0, width), dtype=np.float32) for name, heads, width in settings["cache"]}
    tokens, step = [], ids
    while len(tokens) < settings["max_new_tokens"] and not set(tokens[-1:]) & set(settings["ends"]):
        seen = np.ones((1, len(ids) + len(tokens)), dtype=np.int64)
        inputs = {"input_ids": np.asarray([step], dtype=np.int64), "attention_mask": seen, **cache}
        logits, *states = session.run(None, {each.name: inputs[each.name] for each in session.get_inputs()})
        cache = dict(zip(cache, states, strict=True))
        step = [int(logits[0, -1].argmax())]
        tokens += step
    ended = tokens[-1] in settings["ends"]
    text = tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=True)
    counts = {"tokens": len(tokens), "prompt_tokens": len(ids), "truncated": truncated}
    return {"text": text, "finish_reason": "stop" if ended else "length", **counts}
