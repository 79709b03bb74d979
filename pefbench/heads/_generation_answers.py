"""Answers that are generated texts, with the likelihoods and the judge's verdicts added to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.heads import Answers
from pefbench.heads._judging import judged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads._judging import Judge, Right
    from pefbench.heads.examples import GenerationExample
    from pefbench.heads.search import Search


class GenerationAnswers(Answers):
    """Generated texts.

    search: how they are generated. likelihood: answers include the likelihood of the right text. judge: see `_judging`.
    right: whether a text is as good as one of the right texts; None: it must equal one, except for surrounding white
    space.
    """

    mismatch_tolerance = 0.01
    """Each token depends on all tokens before it: if two tokens are almost equally likely, rounding chooses, and the
    text after them differs. Seen on an H100 in bf16: 4 of 2,198 texts (14 trials).
    """

    def __init__(
        self, search: Search, *, likelihood: bool = False, judge: Judge | None = None, right: Right | None = None
    ) -> None:
        self.search, self.likelihood, self.judge, self.right = search, likelihood, judge, right

    @property
    def decoding_signature(self) -> str:
        """The settings of the search."""
        return self.search.signature

    @property
    def judge_signature(self) -> str:
        """The judge's signature, if there is a judge."""
        return self.judge.signature if self.judge else ""

    @property
    def answer_fields(self) -> frozenset[str]:
        """The fields besides the text."""
        return frozenset({"nll", "pieces"} if self.likelihood else ())

    def references(self, examples: Sequence[GenerationExample]) -> list[dict[str, object]]:
        """The right texts of each example, one or more, as `texts`, and the example's facts."""
        return [{"texts": [*(each.references or (each.target,))], **each.facts} for each in examples]

    def correct(self, prediction: Any, reference: Mapping[str, Any]) -> bool:
        """The judge's verdict; without a judge, whether the text is one of the right texts, or as good as one."""
        if self.judge:
            return self.judge.right(prediction, reference)
        text = prediction if isinstance(prediction, str) else prediction["text"]
        if self.right:
            return self.right(text, reference["texts"])
        return text.strip() in [right.strip() for right in reference["texts"]]

    def same(self, before: Any, after: Any) -> bool:
        """Whether the texts are equal, and the likelihoods equal up to rounding."""
        if not self.likelihood:
            return bool(before == after)
        alike = np.isclose(before["nll"], after["nll"], rtol=1e-2, atol=1e-3)
        return bool(alike) and before == {**after, "nll": before["nll"]}

    def judged(self, answers: Sequence[Any], examples: Sequence[GenerationExample]) -> list[Any]:
        """Answers with the judge's verdicts, if there is a judge."""
        return judged(self.judge, answers, examples) if self.judge else list(answers)

    def prompt(self, example: GenerationExample) -> str:
        """The prompt as the result shows it."""
        return self.shown(example)

    def shown(self, example: GenerationExample) -> str:
        """The prompt with the turns before it, one per line."""
        prompt = example.instruction + example.prompt
        return "\n".join([*(f"{role}: {text}" for role, text in example.history), prompt])
