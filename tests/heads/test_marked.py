"""The marked head: the label depends on the marked spans, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification

from pefbench.errors import RecipeError
from pefbench.heads import forward
from pefbench.heads.examples import MarkedExample
from pefbench.heads.marked import MarkedDataset, MarkedHead, mark
from pefbench.registry import find
from pefbench.trial.batching import collate
from tests import tiny
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pefbench.heads import Encoded

LABELS = ["Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Other"]
ARCHITECTURES = [*tiny.ENCODERS, *tiny.DECODERS]
TEXT = "the cat saw é dog"
SOME = [
    MarkedExample(TEXT, (4, 7), (14, 17), LABELS[0]),
    MarkedExample(TEXT, (14, 17), (4, 7), LABELS[1]),
    MarkedExample("ab", (0, 1), (1, 2), LABELS[2]),
    MarkedExample("x y z", (4, 5), (0, 1), LABELS[0]),
]


def head_for(architecture: str) -> MarkedHead:
    return MarkedDataset({}, LABELS).head(tiny.config(architecture))


def classifier(architecture: str, head: MarkedHead) -> PreTrainedModel:
    """Return a tiny model that reads bytes, with weights far from zero, so that its outputs depend on every token."""
    config = tiny.config(architecture, vocab_size=260, num_labels=3 * len(head.read))
    model = cast("PreTrainedModel", AutoModelForTokenClassification.from_config(config))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
    return cast("PreTrainedModel", model.eval())


def written(encoded: Encoded) -> list[str]:
    return [str(single_bytes().decode(row, skip_special_tokens=True)) for row in encoded.features["input_ids"]]


def whole(encoded: Encoded) -> dict[str, Any]:
    return collate(encoded, range(len(encoded)))


def test_marks_stand_around_both_wherever_they_are() -> None:
    assert [mark(example)[0] for example in SOME] == [
        "the $ cat $ saw é # dog #",
        "the # cat # saw é $ dog $",
        "$ a $# b #",
        "# x # y $ z $",
    ]
    for example in SOME:
        text, at = mark(example)
        assert [text[place] for place in at] == ["$", "$", "#", "#"]
        assert text[at[0] + 2 : at[1] - 1] == example.text[slice(*example.first)]
        assert text[at[2] + 2 : at[3] - 1] == example.text[slice(*example.second)]


@pytest.mark.parametrize(("architecture", "wanted"), [("bert", ["$", "#"]), ("gpt2", ["$", "#", None])])
def test_opening_marks_are_read_or_closing_ones_and_the_end(architecture: str, wanted: list[Any]) -> None:
    encoded = head_for(architecture).encode(single_bytes(architecture), SOME, 64)
    for row, (label, *places) in zip(encoded.features["input_ids"], encoded.fixed["labels"].tolist(), strict=True):
        tokens = [single_bytes(architecture).decode(int(token)) for token in row]
        for place, sign in zip(places, wanted, strict=True):
            others = [i for i, token in enumerate(tokens) if token == sign]
            assert place == ((others[1] if architecture == "gpt2" else others[0]) if sign else len(row) - 1)
        assert 0 <= label < 3
    assert encoded.fixed["labels"][:, 0].tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_score_is_one_linear_layer_over_the_states_side_by_side(architecture: str) -> None:
    head = head_for(architecture)
    model = classifier(architecture, head)
    batch = whole(head.encode(single_bytes(architecture), SOME, 64))
    linear = cast("Any", next(m for m in reversed([*model.modules()]) if isinstance(m, torch.nn.Linear)))
    seen: list[torch.Tensor] = []
    hook = linear.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    with torch.no_grad():
        scores = head._scores(model, batch)
        hook.remove()
        places = batch["labels"][:, 1:]
        states = torch.stack([seen[0][row, places[row]].flatten() for row in range(len(SOME))])
        blocks = linear.weight.unflatten(0, (len(head.read), 3))
        weight = torch.cat([*blocks], dim=1)
        bias = 0 if linear.bias is None else linear.bias.unflatten(0, (len(head.read), 3)).sum(0)
    assert torch.allclose(scores, states @ weight.T + bias, atol=1e-5)
    assert head.predict(model, batch, [None] * 4) == [LABELS[i] for i in scores.argmax(-1).tolist()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_label_is_learned_from_what_is_marked_alone(architecture: str) -> None:
    told = [
        MarkedExample(TEXT, (4, 7), (14, 17), LABELS[0]),
        MarkedExample(TEXT, (14, 17), (4, 7), LABELS[1]),
        MarkedExample(TEXT, (0, 3), (8, 11), LABELS[2]),
    ]
    head = head_for(architecture)
    model = classifier(architecture, head)
    batch = whole(head.encode(single_bytes(architecture), told, 64))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        loss = head.loss_sum(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert head.predict(model, batch, [None] * 3) == head.answers.references(told)
    assert loss.item() < 0.5


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(architecture: str) -> None:
    head = head_for(architecture)
    model = classifier(architecture, head)
    encoded = head.encode(single_bytes(architecture), SOME, 64)
    with torch.no_grad():
        together = head._scores(model, whole(encoded))
        alone = torch.cat([head._scores(model, collate(encoded, [i])) for i in range(len(SOME))])
    assert torch.allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("method", ["prompt", "p_tuning", "prefix"])
def test_virtual_tokens_do_not_shift_the_places_that_are_read(method: str) -> None:
    head = head_for("gpt2")
    model = find("method", method)(name=method).apply(classifier("gpt2", head), head.task_type).eval()
    batch = whole(head.encode(single_bytes("gpt2"), SOME[:1], 64))
    with torch.no_grad():
        before = forward(model, batch).logits
        batch["input_ids"][0, 5] += 1
        after = forward(model, batch).logits
    changed = (before - after).abs().amax(-1)[0] > 1e-6
    assert changed.nonzero().flatten().tolist()[0] == 5  # a decoder's states depend on nothing that comes later


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="$#"), min_size=4, max_size=30),
    st.data(),
    st.integers(8, 40),
)
def test_marks_are_never_cut_off(text: str, data: st.DataObject, max_length: int) -> None:
    bounds = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4, unique=True)))
    spans = [(bounds[0], bounds[1]), (bounds[2], bounds[3])]
    first, second = spans if data.draw(st.booleans()) else spans[::-1]
    head = MarkedHead(LABELS)
    encoded = head.encode(single_bytes(), [MarkedExample(text, first, second, "Other")], max_length)
    [row] = encoded.features["input_ids"]
    tokens = [single_bytes().decode(int(token)) for token in row]
    assert tokens.count("$") == tokens.count("#") == 2
    assert [tokens[place] for place in encoded.fixed["labels"][0, 1:]] == ["$", "#"]
    whole_length = len(single_bytes()(mark(MarkedExample(text, first, second, "Other"))[0])["input_ids"])
    assert len(row) == min(whole_length, max_length)
    assert encoded.truncated == (whole_length > max_length)


def test_of_a_long_text_the_pieces_near_the_marks_are_kept() -> None:
    told = [MarkedExample("far away " + TEXT + " and much more", (13, 16), (23, 26), "Other")]
    encoded = MarkedHead(LABELS).encode(single_bytes(), told, 30)
    assert written(encoded) == ["the $ cat $ saw é # dog # and"]


def test_too_short_a_length_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.max_length: 5 leaves no room for two marked texts; at least 6"):
        MarkedHead(LABELS).encode(single_bytes("bert"), SOME, 5)


def test_an_empty_split_is_encoded() -> None:
    encoded = MarkedHead(LABELS).encode(single_bytes(), [], 16)
    assert len(encoded) == 0
    assert np.shape(encoded.fixed["labels"]) == (0, 3)
