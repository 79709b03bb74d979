"""Data augmentation: one outcome per real text, no real text in prompts, and the gain from generated ones."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, RecipeError
from pefbench.heads._judging import judged
from pefbench.metrics import score
from pefbench.recipe import resolve
from pefbench.registry import find
from pefbench.tasks.data_augmentation import TASK
from tests.tasks import loading
from tests.tasks.test_controllable_generation import BAD, GOOD, reviews

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.heads.generation import GenerationDataset


def load(file: Path, **options: Any) -> GenerationDataset:
    made: GenerationDataset = loading.load("data_augmentation", file, options).dataset  # type: ignore[assignment]
    return made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reviews(tmp_path_factory.mktemp("reviews"))


@pytest.fixture(scope="module")
def dataset(file: Path) -> GenerationDataset:
    return load(file, per_class=2)


def gain(dataset: GenerationDataset, texts: Sequence[str]) -> dict[str, float]:
    test, judge = dataset.splits["test"], dataset.judge
    assert judge is not None
    references = [{"texts": [each.target], **each.facts} for each in test]
    found = score(find("metric", "augmentation_gain")(), judged(judge, texts, test), references)
    return {name: value["value"] for name, value in found.items()}


def test_a_few_texts_of_each_class_train_the_generator(dataset: GenerationDataset) -> None:
    train = dataset.splits["train"]
    assert Counter(each.facts["asked"] for each in train) == {"positive": 2, "negative": 2}
    assert all(each.prompt == f"Write a {each.facts['asked']} sentence from a film review." for each in train)
    assert any(note == "4 labelled texts, 2 of each class" for note in dataset.notes)


def test_every_real_text_has_one_prompt_that_says_nothing_of_it(dataset: GenerationDataset) -> None:
    test = dataset.splits["test"]
    assert len({each.facts["held"] for each in test}) == len(test)
    assert abs(2 * sum(each.facts["asked"] == "positive" for each in test) - len(test)) <= 1
    originals = {each.target for each in dataset.splits["train"]}
    for each in test:
        assert each.prompt == f"Write a {each.facts['asked']} sentence from a film review."
        assert each.target in originals
        assert each.facts["held"] not in originals
        assert each.facts["label"] == ("positive" if any(word in each.facts["held"] for word in GOOD) else "negative")
    assert {(each.facts["asked"], each.facts["label"]) for each in test} == {
        (asked, label) for asked in ("positive", "negative") for label in ("positive", "negative")
    }


def test_good_texts_gain_and_wrong_ones_lose(file: Path) -> None:
    dataset = load(file, per_class=1)
    other = {"positive": "negative", "negative": "positive"}
    words = {"positive": GOOD, "negative": BAD}
    asked = [each.facts["asked"] for each in dataset.splits["test"]]
    good = gain(dataset, [f"It was {words[label][i % 3]}" for i, label in enumerate(asked)])
    assert good["accuracy_augmented"] == 1
    assert good["augmentation_gain"] == pytest.approx(1 - good["accuracy_plain"])
    assert good["augmentation_gain"] > 0.1
    assert (
        gain(dataset, [f"It was {words[other[label]][i % 3]}" for i, label in enumerate(asked)])["augmentation_gain"]
        < -0.2
    )
    assert gain(dataset, [" " * (i % 2) for i in range(len(asked))])["augmentation_gain"] == 0


def test_baselines_write_a_text_of_the_class_for_each_prompt(dataset: GenerationDataset) -> None:
    train, test = dataset.splits["train"], dataset.splits["test"]
    for name in TASK.baselines:
        texts = find("baseline", name)(train, test)
        assert texts == find("baseline", name)(train, test)
        for text, example in zip(texts, test, strict=True):
            assert any(
                Counter(text.split()) <= Counter(each.target.split())
                for each in train
                if each.facts["asked"] == example.facts["asked"]
            ), (name, text)
    originals = {each.target for each in train}
    assert {*find("baseline", "repeated")(train, test)} == originals
    assert sum(text not in originals for text in find("baseline", "eda")(train, test)) > len(test) / 2


def test_another_draw_is_of_other_texts(file: Path, dataset: GenerationDataset) -> None:
    other = load(file, per_class=2, draw=1)
    assert {each.target for each in other.splits["train"]} != {each.target for each in dataset.splits["train"]}
    assert (dataset.search.seed, other.search.seed) == (0, 1)
    assert other.search.signature == "search:drawn|temperature:1|top-k:50|seed:1|new:64"


def test_fewer_real_texts_may_be_held(file: Path) -> None:
    made = load(file, per_class=3, tested=7)
    assert {split: len(found) for split, found in made.splits.items()} == {"train": 6, "validation": 7, "test": 7}
    assert any(note.startswith("test is 7 of ") for note in made.notes)


def test_too_few_texts_of_a_class_are_refused(file: Path) -> None:
    with pytest.raises(DataError, match=r"a class has fewer than 900 training texts \(set options\.per_class\)"):
        load(file, per_class=900)


def test_beams_are_refused() -> None:
    raw = {"task": "data_augmentation", "options": {"num_beams": 4}, "method": {"name": "full"}}
    with pytest.raises(RecipeError, match=r"options\.num_beams: input should be 1, got 4"):
        resolve(raw, name="r")


def test_the_signature_names_what_the_gain_depends_on(dataset: GenerationDataset) -> None:
    assert dataset.judge is not None
    assert dataset.judge.signature.startswith("downstream:bag_of_words,scikit-learn-")
    assert dataset.judge.signature.endswith("|real:4|generated:one-a-test-text")
