"""What methods with virtual tokens share: their number, their insertion into the model, and their initialisation."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pefbench.errors import MethodError
from pefbench.methods import PeftMethod

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.methods.tuners.prefix_tokens import PrefixTokens
    from pefbench.methods.tuners.virtual_tokens import VirtualTokens

TEXT = "Read the following text with care, then give the answer that it asks for."
COMMON = 5000
"""Lester et al. 2021, section 3.2: prompts start from the 5,000 most common tokens."""


class VirtualTokenMethod(PeftMethod):
    """A method whose virtual tokens precede the text, whatever the head: see `tuners.virtual_tokens`."""

    num_virtual_tokens: int = Field(16, ge=1, description="number of virtual tokens before the text")

    def virtual_tokens(self) -> int:
        """The number of virtual tokens."""
        return self.num_virtual_tokens

    @abstractmethod
    def attach(self, model: nn.Module) -> VirtualTokens:
        """Insert the virtual tokens into a wrapped model; returns them. Raises MethodError if it cannot take them."""

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """Wrap the model with PEFT and insert the virtual tokens. Raises MethodError if the model cannot take them."""
        from pefbench.methods.tuners import placed

        wrapped = super().apply(model, task_type)
        placed.mark(self.attach(wrapped))
        return wrapped

    def on_model_ready(self, model: nn.Module) -> None:
        """Insert the virtual tokens."""
        self.attach(model)


class PromptLearning(VirtualTokenMethod):
    """A method of the kind that PEFT calls prompt learning."""

    trainable_pattern: ClassVar[str] = r"^prompt_encoder\."


class PrefixStart(VirtualTokenMethod):
    """The initialisation of methods with a prefix of keys and values."""

    in_attention: ClassVar[bool] = True

    init: Literal["random", "zero", "text", "activations"] = Field(
        "random",
        description="random: normal; zero; text: the keys and values of `init_text`; activations: those of tokens "
        "drawn from the training texts, one from each of as many texts (arXiv:2101.00190, section 7.4)",
    )
    init_text: str = Field(TEXT, description="text for init text, repeated or cut to the number of virtual tokens")

    @abstractmethod
    def attach(self, model: nn.Module) -> PrefixTokens:
        """Insert the prefix into a wrapped model, and return it. Raises MethodError if the model cannot take it."""

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:
        """As in the base. Also raises MethodError if a decoder cannot read a text of several tokens after a prefix."""
        from pefbench.methods.tuners import prefix_tokens
        from pefbench.methods.tuners.virtual_tokens import is_pair
        from pefbench.models import architecture

        wrapped = super().apply(model, task_type)
        if is_pair(model):
            try:
                prefix_tokens.probe(architecture.unwrap(wrapped))
            except AssertionError as error:  # ProphetNet's, which reads one token at a time from a cache
                reason = str(error).strip().partition("\n")[0]
                raise MethodError(f"{self.title} does not work on {type(model).__name__}: {reason}") from error
        return wrapped

    def on_train_begin(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        encoded: Encoded,
        steps: int,  # noqa: ARG002 - the base's signature
    ) -> None:
        """Initialise the prefix from a text or from activations."""
        if self.init in {"text", "activations"}:
            tokens = self.attach(model)
            tokens.weight.data.copy_(self.start(tokens, tokenizer, encoded))

    def start(self, tokens: PrefixTokens, tokenizer: PreTrainedTokenizerFast, encoded: Encoded) -> Tensor:
        """The initial prefix, from a text or activations, shape (virtual tokens, numbers of one)."""
        import torch

        if self.init == "text":
            ids = text_tokens(tokenizer, self.init_text, self.num_virtual_tokens)
            return tokens.shape.joined(tokens.of_text(ids))
        chosen = []
        for row, place in drawn_tokens(tokenizer, encoded, self.num_virtual_tokens):
            pairs = tokens.of_text(torch.from_numpy(encoded.features["input_ids"][row]))
            chosen.append(tokens.shape.joined(pairs)[place])
        return torch.stack(chosen)


def text_tokens(tokenizer: PreTrainedTokenizerFast, text: str, count: int) -> Tensor:
    """The ids of a text without special tokens, repeated or cut to `count`. Raises MethodError if it has none."""
    import torch

    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise MethodError(f"method.init_text: {text!r} has no tokens in this vocabulary")
    return torch.tensor((ids * count)[:count])


def drawn_tokens(tokenizer: PreTrainedTokenizerFast, encoded: Encoded, count: int) -> list[tuple[int, int]]:
    """Draw texts, and one token from each that is not a special token; return rows and positions in them."""
    import torch

    special, rows = set(tokenizer.all_special_ids), encoded.features["input_ids"]
    found = []
    for row in torch.randint(len(rows), (count,)).tolist():
        places = [at for at, token in enumerate(rows[row].tolist()) if token not in special] or [0]
        found.append((row, places[int(torch.randint(len(places), ()))]))
    return found


def common_tokens(tokenizer: PreTrainedTokenizerFast, encoded: Encoded, count: int) -> Tensor:
    """Draw ids from the most common tokens of the training texts, without repetition as long as there are enough."""
    import torch

    counts: Counter[Any] = Counter()
    for row in encoded.features["input_ids"]:
        counts.update(row.tolist())
    for token in tokenizer.all_special_ids:
        counts.pop(token, None)
    ids = torch.tensor([token for token, _ in counts.most_common(COMMON)] or [0])
    order = torch.cat([torch.randperm(len(ids)) for _ in range(-(-count // len(ids)))])
    return ids[order[:count]]
