"""Controllable generation: judge and generator learn from different texts; meanings are grouped for scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.heads._judging import judged
from pefbench.metrics import score
from pefbench.registry import find
from pefbench.tasks.controllable_generation import TASK
from tests.tasks import loading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench.heads.generation import GenerationDataset

GOOD, BAD = ("great", "lovely", "fine"), ("dull", "awful", "poor")
NOUNS = ("plot", "cast", "music", "ending", "script", "hero", "camera")


def reviews(folder: Path, count: int = 600) -> Path:
    """Write texts, half of them good, that their adjectives tell apart."""
    lines = ["text\tlabel"]
    for i in range(count):
        words, label = ((GOOD, "positive"), (BAD, "negative"))[i % 2]
        lines.append(f"The {NOUNS[i % 7]} of film {i} was {words[i % 3]} and {words[i // 3 % 3]} too\t{label}")
    file = folder / "reviews.tsv"
    file.write_text("\n".join(lines) + "\n", encoding="utf8")
    return file


def load(file: Path, options: dict[str, Any] | None = None, **data: Any) -> GenerationDataset:
    made: GenerationDataset = loading.load("controllable_generation", file, options, **data).dataset  # type: ignore[assignment]
    return made


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> GenerationDataset:
    return load(reviews(tmp_path_factory.mktemp("reviews")))


def test_prompts_name_the_label_and_the_first_words(dataset: GenerationDataset) -> None:
    for example in dataset.splits["train"]:
        label = "positive" if any(word in example.target for word in GOOD) else "negative"
        first, second, *_ = example.target.split()
        assert example.prompt == f"Write a {label} sentence from a film review that begins with: {first} {second}"
        assert example.facts == {"attribute": label}


def test_at_testing_the_label_is_drawn_whatever_the_texts_own_is(dataset: GenerationDataset) -> None:
    pairs = {
        (example.facts["attribute"], "positive" if any(word in example.target for word in GOOD) else "negative")
        for example in dataset.splits["test"]
    }
    assert len(pairs) == 4
    assert all(f"Write a {example.facts['attribute']} " in example.prompt for example in dataset.splits["test"])


def test_the_judge_learns_from_texts_that_the_generator_never_sees(dataset: GenerationDataset) -> None:
    judge: Any = dataset.judge
    learned = {text.text for text in judge.learned}
    generators = {example.target for split in dataset.splits.values() for example in split}
    assert learned
    assert not learned & generators
    assert 0.65 < len(learned) / (len(learned) + len(dataset.splits["train"])) < 0.85


def test_how_good_the_judge_is_on_real_texts_is_said(dataset: GenerationDataset) -> None:
    judge: Any = dataset.judge
    assert judge.accuracy == 1
    assert judge.signature.startswith("judge:bag_of_words,scikit-learn-")
    assert judge.signature.endswith(f"|learned:{len(judge.learned)}|right:1.0000")
    told = f"{len(judge.learned)} training texts are set apart for the judge, whose accuracy on the "
    assert any(note.startswith(told) and note.endswith(" is 100.0 %") for note in dataset.notes)


def test_what_is_generated_is_judged_and_scored(dataset: GenerationDataset) -> None:
    test, judge = dataset.splits["test"], dataset.judge
    assert judge is not None
    wanted = [f"It was {'lovely' if each.facts['attribute'] == 'positive' else 'awful'}" for each in test]
    answers = judged(judge, [*wanted[:-1], "It was awful and lovely"[: 12 if "lovely" in wanted[-1] else None]], test)
    references = [{"texts": [each.target], **each.facts} for each in test]
    found = score(
        find("metric", "attribute_accuracy")(), answers[:-1], references[:-1], decoding_signature=judge.signature
    )
    assert found["attribute_accuracy"]["value"] == 1
    assert "|judge:bag_of_words," in found["attribute_accuracy"]["signature"]
    assert [judge.right(*pair) for pair in zip(answers[:3], references[:3], strict=True)] == [True] * 3
    upside_down = judged(judge, ["It was awful" if "lovely" in text else "It was lovely" for text in wanted], test)
    assert not any(judge.right(*pair) for pair in zip(upside_down, references, strict=True))


def test_a_text_of_one_word_begins_with_nothing(tmp_path: Path) -> None:
    rows = [f"{adjective}{i}\t{label}" for i in range(40) for adjective, label in (("good", "p"), ("bad", "n"))]
    file = tmp_path / "short.tsv"
    file.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf8")
    made = load(file, {"kind": "word", "judged_by": 0.5, "tested": 3})
    assert {example.prompt for example in made.splits["train"]} == {"Write a p word.", "Write a n word."}
    assert len(made.splits["test"]) == 3


def test_a_judge_without_texts_of_a_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"too few for the judge; each label needs one \(set options\.judged_by\)"):
        load(reviews(tmp_path, 60), {"judged_by": 0.001})


MEANINGS = {
    "trainset.csv": [
        ("name[Alimentum], area[city centre]", "There is a place in the city centre, Alimentum."),
        ("name[Alimentum], area[city centre]", "In the city centre there is a venue named Alimentum."),
        ("name[Zizzi], food[Italian]", "Zizzi serves Italian food."),
        ("name[Aromi], food[French]", "Aromi is French."),
    ],
    "devset.csv": [("name[Aromi], food[French]", "Aromi, which is French."), ("name[Cotto]", "Cotto is there.")],
    "testset_w_refs.csv": [
        ("name[Blue Spice]", "Blue Spice is here."),
        ("name[Wildwood], food[Thai]", "Wildwood has Thai food."),
        ("name[Blue Spice]", 'A "blue" place: Blue Spice.'),
    ],
}


def e2e(folder: Path, meanings: Mapping[str, Sequence[tuple[str, str]]] | None = None) -> GenerationDataset:
    for name, rows in (meanings or MEANINGS).items():
        lines = ['"{}","{}"'.format(*(value.replace('"', '""') for value in row)) for row in [("mr", "ref"), *rows]]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf8")
    train, validation, test = MEANINGS
    return load(folder, train=train, validation=validation, test=test)


def test_pairs_train_alone_and_texts_of_one_meaning_are_scored_together(tmp_path: Path) -> None:
    made = e2e(tmp_path)
    assert [(each.prompt, each.target, each.references) for each in made.splits["train"]] == [
        ("name[Alimentum], area[city centre]", "There is a place in the city centre, Alimentum.", ()),
        ("name[Alimentum], area[city centre]", "In the city centre there is a venue named Alimentum.", ()),
        ("name[Zizzi], food[Italian]", "Zizzi serves Italian food.", ()),
    ], "a meaning that is also in validation does not train"
    assert [(each.prompt, each.references) for each in made.splits["test"]] == [
        ("name[Blue Spice]", ("Blue Spice is here.", 'A "blue" place: Blue Spice.')),
        ("name[Wildwood], food[Thai]", ("Wildwood has Thai food.",)),
    ]
    assert {each.instruction for each in made.splits["test"]} == {"Say this in one or two sentences: "}
    assert made.judge is None


def test_e2e_metrics_score_it_and_attributes_are_refused(tmp_path: Path) -> None:
    test = e2e(tmp_path).splits["test"]
    references = [{"texts": [*each.references], **each.facts} for each in test]
    for name in ("bleu_lowercase", "nist", "rouge_l", "cider"):
        metric = find("metric", name)()
        assert metric.refusal(references) is None
        perfect, wrong = (
            score(metric, texts, references)[name]["value"]
            for texts in ([each.target for each in test], ["nothing", "of it"])
        )
        assert perfect > wrong == 0
    assert find("metric", "attribute_accuracy")().refusal(references)


def test_a_meaning_without_a_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"trainset\.csv:2: ref should be a non-empty text, got ' '"):
        e2e(tmp_path, MEANINGS | {"trainset.csv": [("name[A]", " ")]})


def test_its_baselines_are_there() -> None:
    for name in TASK.baselines:
        assert callable(find("baseline", name))
