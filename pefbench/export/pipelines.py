"""transformers' pipelines: which one a head has, and the call with which it answers like the trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads._texts import is_joined

if TYPE_CHECKING:
    from pefbench.export.original import Original

PIPELINES = {
    "AutoModelForSequenceClassification": "text-classification",
    "AutoModelForTokenClassification": "token-classification",
    "AutoModelForCausalLM": "text-generation",
}
"""transformers' class -> its pipeline. transformers 5 removed those for questions and for encoder-decoders."""
CALLS = {
    "sequence": "pipe(texts, top_k=None, truncation=True, max_length={length})",
    "multi_label": "pipe(texts, top_k=None, truncation=True, max_length={length})",
    "regression": "pipe(texts, truncation=True, max_length={length})",
    "choice": 'pipe([{{"text": context, "text_pair": candidate}}], function_to_apply="none")',
    "token": 'pipe(texts, aggregation_strategy="first")',
    "generation": "pipe([[{{'role': 'user', 'content': text}}] for text in texts], return_full_text=False)",
}
"""Kind of head -> the call."""
CLASSES = {
    **dict.fromkeys(("sequence", "multi_label", "regression", "choice"), "AutoModelForSequenceClassification"),
    "token": "AutoModelForTokenClassification",
    "generation": "AutoModelForCausalLM",
}
"""Kind of head -> the class with which a pipeline answers like the trial. No pipeline averages over tokens
(`model.pooling`) or compares likelihoods."""


def answers_alike(original: Original) -> bool:
    """Whether a pipeline with this call answers like the trial.

    If a tokenizer puts nothing between two texts, a choice puts a line break there, but a pipeline does not.
    """
    name = original.kind_name
    joined = name == "choice" and is_joined(original.tokenizer)
    return CLASSES.get(name) == original.head.auto_class and not joined


def usage(original: Original) -> str:
    """Python code that opens an export's folder with transformers alone."""
    auto, name = original.head.auto_class, original.kind_name
    if answers_alike(original):
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
