"""transformers' pipelines: which a head has, and how it is called so that it answers as the trial does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.export.original import Original

PIPELINES = {
    "AutoModelForSequenceClassification": "text-classification",
    "AutoModelForTokenClassification": "token-classification",
    "AutoModelForCausalLM": "text-generation",
}
"""transformers' class -> its pipeline; since transformers 5 those for questions and for encoder-decoders are gone."""
CALLS = {
    "sequence": "pipe(texts, top_k=None, truncation=True, max_length={length})",
    "multi_label": "pipe(texts, top_k=None, truncation=True, max_length={length})",
    "regression": "pipe(texts, truncation=True, max_length={length})",
    "choice": 'pipe([{{"text": context, "text_pair": candidate}}], function_to_apply="none")',
    "token": 'pipe(texts, aggregation_strategy="first")',
    "generation": "pipe([[{{'role': 'user', 'content': text}}] for text in texts], return_full_text=False)",
}
"""Kind of head -> the call."""


def usage(original: Original) -> str:
    """Python that opens an export's folder with transformers alone."""
    auto, name = original.head.auto_class, original.kind_name
    if auto in PIPELINES and name in CALLS:
        call = CALLS[name].format(length=original.prepared.recipe.train.max_length)
        if name == "generation" and not original.tokenizer.chat_template:
            call = "pipe(texts, return_full_text=False)"
        code = f'from transformers import pipeline\n\npipe = pipeline("{PIPELINES[auto]}", model=".")\n{call}'
    else:
        code = (
            f"from transformers import AutoTokenizer, {auto}\n\n"
            f'model = {auto}.from_pretrained(".").eval()\ntokenizer = AutoTokenizer.from_pretrained(".")'
        )
    return f"```python\n{code}\n```"
