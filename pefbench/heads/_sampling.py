"""Samples answers from a model's probabilities, independently of the other prompts in the batch.

The most likely token after adding independent Gumbel noise to the logits is a sample from their softmax (Gumbel 1954;
Maddison et al. 2014, arXiv:1411.0030, section 2). So transformers searches greedily, with noise that each example draws
from its own generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class GumbelNoise:
    """A logits processor that samples one token for each row from its `top_k` most likely, at a temperature.

    A row's samples depend only on `seed`, its own number and its number of tokens. rows: the rows of the batch to
    sample; None: all. numbers: the number of each of these rows. top_p: sample only from the most likely tokens that
    together reach this probability (Holtzman et al. 2020, arXiv:1904.09751, section 3.1).
    """

    def __init__(
        self,
        numbers: Sequence[int],
        *,
        temperature: float,
        top_k: int,
        seed: int,
        top_p: float = 1.0,
        rows: Sequence[int] | None = None,
    ) -> None:
        self.temperature, self.top_k, self.top_p, self.rows = temperature, top_k, top_p, rows
        self.generators = [np.random.default_rng([seed, number]) for number in numbers]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002 - as transformers calls it
        """Scores, (rows, vocabulary), that leave one token in each sampled row."""
        import torch

        rows = torch.tensor(range(len(scores)) if self.rows is None else self.rows, device=scores.device)
        mine = scores[rows]
        likeliest = mine.float().topk(min(self.top_k, scores.shape[-1]))
        values = likeliest.values / self.temperature
        if self.top_p < 1:
            chances = values.softmax(-1)
            values = values.masked_fill(chances.cumsum(-1) - chances >= self.top_p, -torch.inf)
        noise = np.stack([generator.gumbel(size=values.shape[-1]) for generator in self.generators])
        noisy = values + torch.from_numpy(noise).to(values)
        drawn = likeliest.indices.gather(1, noisy.argmax(-1, keepdim=True))
        return scores.index_copy(0, rows, torch.full_like(mine, -torch.inf).scatter(1, drawn, 0.0))
