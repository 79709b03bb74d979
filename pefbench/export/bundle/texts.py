"""Whole texts, or pairs of them: a label, any number of labels, or a score."""

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from pefbench.export.bundle.start import text_of


def answer(given: dict, settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> dict:
    """The likeliest label and the probabilities of all, for {"text"} or {"text", "pair"}."""  # only sequence
    """The labels above their thresholds, all probabilities, for {"text"} or {"text", "pair"}."""  # only multi_label
    """The score, within the range of the training scores, for {"text"} or {"text", "pair"}."""  # only regression
    text, pair = text_of(given, "text"), text_of(given, "pair", "")
    pair = settings["before_pair"] + pair if pair.strip() else None
    encoding = tokenizer.encode(text, pair)
    ids, types = encoding.ids, encoding.type_ids if pair else [0] * len(encoding.ids)
    kept = [at for at, one in enumerate(ids) if one != settings["end"] or encoding.special_tokens_mask[at]]  # only ends
    ids, types = [ids[at] for at in kept] or [settings["end"]], [types[at] for at in kept] or [0]  # only ends
    row = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": types}
    inputs = {each.name: np.asarray([row[each.name]], dtype=np.int64) for each in session.get_inputs()}
    logits = session.run(None, inputs)[0][0].astype(np.float64)  # unless mean
    logits = session.run(None, inputs)[0][0].mean(0, dtype=np.float64)  # of all tokens  # only mean
    softmax = np.exp(logits - np.logaddexp.reduce(logits))  # only sequence
    chances = dict(zip(settings["labels"], softmax.tolist(), strict=True))  # only sequence
    label = settings["labels"][logits.argmax()]  # only sequence
    truncated = bool(encoding.overflowing)
    return {"label": label, "score": chances[label], "probabilities": chances, "truncated": truncated}  # only sequence
    chances = dict(zip(settings["labels"], (1 / (1 + np.exp(-logits))).tolist(), strict=True))  # only multi_label
    labels = [name for name, least in settings["thresholds"].items() if chances[name] >= least]  # only multi_label
    return {"labels": labels, "probabilities": chances, "truncated": truncated}  # only multi_label
    score = np.clip(logits[0] * settings["spread"] + settings["mean"], *settings["range"])  # only regression
    return {"score": float(score), "truncated": truncated}  # only regression
