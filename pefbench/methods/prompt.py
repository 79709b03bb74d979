"""Prompt tuning: trained word embeddings before the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pefbench.methods._prompt_learning import COMMON, TEXT, PromptLearning, common_tokens, text_tokens

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.methods.tuners.prompt_tokens import PromptTokens


class Prompt(PromptLearning):
    """Lester et al. 2021 (arXiv:2104.08691), section 2; with an encoder and a decoder, the encoder reads the prompt."""

    # The paper's 0.3 is for Adafactor, relative to the size of the weights, which are far below 1 here.
    learning_rate: ClassVar[float] = 3e-2
    searched: ClassVar = {"num_virtual_tokens": (5, 10, 20, 40)}

    num_virtual_tokens: int = Field(20, ge=1, description="length of the prompt")
    init: Literal["vocabulary", "text", "random"] = Field(
        "vocabulary",
        description=f"vocabulary: embeddings drawn from the {COMMON:,} most common tokens of the training texts; text: "
        "those of `init_text`; random: normal, with the mean and deviation of the embeddings; the paper draws "
        "uniformly (section 3.2)",
    )
    init_text: str = Field(TEXT, description="text for init text, repeated or cut to the number of virtual tokens")

    def config(self, model: nn.Module) -> PeftConfig:
        """Give PEFT the size of the model's embeddings."""
        from peft import PromptTuningConfig

        from pefbench.methods.tuners.prompt_tokens import common_options

        return PromptTuningConfig(num_virtual_tokens=self.num_virtual_tokens, **common_options(model))

    def attach(self, model: nn.Module) -> PromptTokens:
        """The prompt before the text."""
        from pefbench.methods.tuners.prompt_tokens import PromptTokens

        return PromptTokens.attach(model)

    def on_train_begin(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        encoded: Encoded,
        steps: int,  # noqa: ARG002 - the base's signature
    ) -> None:
        """Initialise the prompt as `init` says."""
        import torch

        tokens = self.attach(model)
        if self.init == "random":
            sample = tokens.embedded(common_tokens(tokenizer, encoded, COMMON))
            start = torch.normal(float(sample.mean()), float(sample.std()), tokens.weight.shape)
        elif self.init == "text":
            start = tokens.embedded(text_tokens(tokenizer, self.init_text, self.num_virtual_tokens))
        else:
            start = tokens.embedded(common_tokens(tokenizer, encoded, self.num_virtual_tokens))
        tokens.weight.data.copy_(start)


METHOD = Prompt
