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
    """A logits processor: leaves each row one token, drawn from its `top_k` likeliest at a temperature.

    A row's draws depend on `seed`, its own number and how many tokens it has, and on nothing else.
    """

    def __init__(self, numbers: Sequence[int], *, temperature: float, top_k: int, seed: int) -> None:
        self.temperature, self.top_k = temperature, top_k
        self.generators = [np.random.default_rng([seed, number]) for number in numbers]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002 - as transformers calls it
        """Scores, (rows, vocabulary), that leave one token a row."""
        import torch

        likeliest = scores.float().topk(min(self.top_k, scores.shape[-1]))
        noise = np.stack([generator.gumbel(size=likeliest.values.shape[-1]) for generator in self.generators])
        noisy = likeliest.values / self.temperature + torch.from_numpy(noise).to(likeliest.values)
        drawn = likeliest.indices.gather(1, noisy.argmax(-1, keepdim=True))
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)
