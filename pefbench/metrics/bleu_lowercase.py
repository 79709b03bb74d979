"""BLEU of lower-cased texts, as reported by mteval-v13a and therefore by the E2E NLG challenge's script.

Dušek et al. 2020, "Evaluating the State-of-the-Art of End-to-End Natural Language Generation: The E2E NLG Challenge",
arXiv:1901.07931, section 4.1. Its script does not smooth: the two differ if no n-gram of an order matches.
"""

from __future__ import annotations

from typing import ClassVar

from pefbench.metrics.bleu import Bleu


class BleuLowercase(Bleu):
    """BLEU without case, from 0 to 100. Predictions: one text per example; references: one or more."""

    headline = "bleu_lowercase"
    higher_is_better: ClassVar = {"bleu_lowercase": True}
    lowercase = True
    remedy = "name a tokenizer that can: {name: bleu_lowercase, tokenizer: zh}, or ja-mecab, or char for any script"


METRIC = BleuLowercase
