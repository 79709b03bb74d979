"""Drawing an answer from a model's probabilities, the same one whatever other prompts are in the batch.

The likeliest token after independent Gumbel noise has been added to the logits is a draw from their softmax (Gumbel
1954; Maddison et al. 2014, arXiv:1411.0030, section 2). So transformers searches greedily, over noise that each example
draws from a generator of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class GumbelNoise:
    """A logits processor: leaves each of its rows one token, drawn from its `top_k` likeliest at a temperature.

    A row's draws depend on `seed`, its own number and how many tokens it has, and on nothing else. rows: those of the
    batch that are drawn, None: all, numbers: of each. top_p: of the tokens the likeliest that reach this probability
    together are drawn from (Holtzman et al. 2020, arXiv:1904.09751, section 3.1).
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
        """Scores, (rows, vocabulary), that leave one token in each of the rows that are drawn."""
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
