from __future__ import annotations

import base64
import hashlib
import json
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.analysis.html import examples, page
from pefbench.analysis.html.contents import contents, on_validation, thinned
from pefbench.analysis.html.page import embedded
from pefbench.analysis.pick import Limits, pick
from pefbench.cli.main import main
from pefbench.results.store import Stored
from tests.sample_results import failed_sample, sample, store

if TYPE_CHECKING:
    from pefbench.analysis.html.data import ExamplesData
    from pefbench.results.schema import Result

P = "p_model_no_better"
NASTY = "</script><script>x()</script><!-- \u2028 & \ud800 'q' \"q\""


def at(result: Result) -> Stored:
    return Stored(Path(f"{result['id']}.json"), result)


FULL = at(sample("full_ner", "full", value=0.55, changes={"model.trainable_parameters": 22_000_000}))
LORA = at(sample("lora_ner", "lora", value=0.54))
BITFIT = at(sample("bitfit_ner", "bitfit", value=0.3))


def data_of(text: str) -> Any:
    return json.loads(text.partition('id="data">')[2].partition("</script>")[0])


def verdict(results: list[Stored], **options: Any) -> str:
    return str(contents(results, **options)["groups"][0]["verdict"])


def test_the_page_is_one_file_that_needs_nothing_else() -> None:
    text = page([FULL, LORA, at(failed_sample())])
    assert text.startswith("<!doctype html>")
    outside = re.sub(r"http://www\.w3\.org/2000/svg", "", text)
    assert not re.search(r"https?://|\bsrc=|@import|url\(|<link", outside)
    assert not re.search(r"<!-- \w+ -->", text)
    assert [group["task"] for group in data_of(text)["groups"]] == ["ner"]
    assert data_of(text)["failed"][0]["error"] == "loss is nan at step 7"
    assert data_of(text)["environments"][0]["trials"] == 2


def test_only_its_own_script_and_style_may_run() -> None:
    text = page([LORA])
    for name, element in (("script-src", "script"), ("style-src", "style")):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in text
    assert "default-src 'none'" in text


@settings(deadline=None)
@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_embedded_data_cannot_leave_its_element(value: Any) -> None:
    text = embedded(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_nasty_text_is_escaped_everywhere() -> None:
    results = [
        at(sample(f"{NASTY[:40]}{name}", name, changes={"recipe.task": "<b>ner</b>"})) for name in ("full", "lora")
    ]
    text = page([*results, at(failed_sample(error=NASTY))])
    assert text.count("<script") == 2
    assert "x()" not in text.partition('id="data">')[0].replace("x()&lt;", "")
    assert "&lt;b&gt;ner&lt;/b&gt;" in text
    assert text.encode("utf8")
    assert data_of(text)["failed"][0]["error"].startswith("</script>")


def test_what_a_terminal_or_a_browser_obeys_is_written_out() -> None:
    name = "\x1b[31m\u202ea\u2066\x07"
    text = page([FULL, at(sample("lora_ner", name, value=0.1, changes={"recipe.name": name}))])
    assert not re.search(r"[\x00-\x08\x1b\u202e\u2066]", text)
    assert r"\x1b[31m\u202ea\u2066\x07" in json.dumps(data_of(text), ensure_ascii=False).replace(r"\\", "\\")


def test_verdicts_say_what_is_shown_and_what_is_not() -> None:
    assert verdict([LORA]) == "Only lora_ner was tried: entity_f1 0.540 [0.510, 0.570]."
    tied = verdict([LORA, FULL, BITFIT])
    assert tied.startswith("full_ner has the highest entity_f1 0.550 [0.520, 0.580] of 3, but by their intervals alone")
    assert tied.endswith(
        "lora_ner is not shown to be worse; of these lora_ner, at 0.540 [0.510, 0.570], trains the fewest weights, "
        "1.2 M (5.15 %)."
    )
    assert "its interval overlaps none of theirs" in verdict([FULL, BITFIT])
    unknown = {"metrics.test.entity_f1.low": None, "metrics.test.entity_f1.high": None}
    assert verdict([FULL, BITFIT, at(sample("lora_ner", "lora", changes=unknown))]).endswith("0.580] of 3.")


def test_a_comparison_speaks_by_its_paired_test() -> None:
    finals = [
        {"name": each.result["recipe"]["name"], "final": [{"result": f"x/{each.result['id']}.json"}]}
        for each in (FULL, LORA)
    ]
    compared: Any = {
        "metric": "entity_f1",
        "seeds": [1, 2, 3],
        "level": 0.05,
        "methods": finals,
        "pairs": [{"first": "full_ner", "second": "lora_ner", "p_adjusted": 0.4, "answer": "undecided"}],
    }
    assert "by the paired test lora_ner is not shown to be worse" in verdict([FULL, LORA], verdicts=[compared])
    compared["pairs"][0]["p_adjusted"] = 0.01
    assert verdict([FULL, LORA], verdicts=[compared]).endswith("the paired test shows each of the others to be worse.")
    assert "by the paired test or by intervals" in verdict([FULL, LORA, BITFIT], verdicts=[compared])
    compared["pairs"][0]["p_adjusted"] = 0.4
    near = at(sample("vera_ner", "vera", value=0.53))
    assert "(or their intervals, where it was not run)" in verdict([FULL, LORA, near], verdicts=[compared])


def test_many_ties_are_counted_and_lower_is_better() -> None:
    many = [at(sample(f"m{n}_ner", f"m{n}", value=0.5 + n / 1000)) for n in range(7)]
    assert "m5_ner, m4_ner, m3_ner and 3 others are not shown to be worse" in verdict(many)
    losses = [at(sample(f"{name}_lm", name, changes={"headline": "loss"})) for name in ("full", "lora")]
    assert "has the lowest loss" in verdict(losses)


def test_caveats() -> None:
    (group,) = contents([FULL, LORA])["groups"]
    assert any("No trivial baseline" in each for each in group["caveats"])
    assert any("one seed" in each for each in group["caveats"])
    words = {"words": {"entity_f1": {**sample()["metrics"]["test"]["entity_f1"], "high": None}}}
    other = at(sample("lora_ner", "lora", changes={"baselines": words, "provenance.hardware.threads": 8}))
    (group,) = contents([FULL, other])["groups"]
    assert any("Not shown to beat the best trivial baseline: lora_ner" in each for each in group["caveats"])
    assert any("different machines" in each for each in group["caveats"])


def test_another_machine_of_a_later_seed_is_told() -> None:
    seeds = [at(sample("lora_ner", seed=seed, changes={"provenance.hardware.threads": 2 + seed})) for seed in (0, 1)]
    (group,) = contents([FULL, *seeds])["groups"]
    assert any("different machines" in each for each in group["caveats"])
    (answer,) = pick([FULL, *seeds], Limits(prefer="time"))
    assert any("different machines" in each for each in answer.notes)


@pytest.mark.parametrize(("values", "beaten"), [([0.6, 0.45, 0.4], False), ([0.5, 0.7, 0.71, 0.7, 0.71], True)])
def test_a_baseline_is_beaten_by_the_mean_over_seeds_not_by_the_first_seed(values: list[float], beaten: bool) -> None:
    words = sample(value=0.45)["metrics"]["test"]["entity_f1"]
    runs = [
        at(sample(value=value, seed=seed, changes={"baselines": {"words": {"entity_f1": words | {P: p}}}}))
        for seed, (value, p) in enumerate(zip(values, [0.9 if beaten else 0.001, *[0.5] * 4], strict=False))
    ]
    (group,) = contents(runs)["groups"]
    assert group["settings"][0]["baseline"]["beats_baseline"] is beaten
    assert any("Not shown to beat" in each for each in group["caveats"]) is not beaten
    (answer,) = pick(runs, Limits())
    assert any("not shown to beat a trivial baseline" in each for each in answer.notes) is not beaten


@given(st.lists(st.floats(0, 100), max_size=500), st.integers(1, 50))
def test_a_thinned_curve_is_short_and_keeps_its_end_and_its_mean(losses: list[float], most: int) -> None:
    curve = [{"epoch": float(at), "loss": loss} for at, loss in enumerate(losses)]
    points = thinned(curve, most)
    assert len(points) <= most
    if losses:
        assert points[-1][0] == len(losses) - 1
        assert min(losses) - 1e-3 <= statistics.fmean(loss for _, loss in points) <= max(losses) * 1.0001 + 1e-3
    assert thinned([{"step": 1}, {"epoch": 1, "loss": None}]) == []


def keep(
    folder: Path, method: str, answers: list[Any], references: list[Any], value: float = 0.5, seed: int = 0
) -> Stored:
    named = {"folder": None, "predictions": f"{method}.jsonl"}
    stored = store(folder, sample(f"{method}_ner", method, value=value, seed=seed, changes={"artifacts": named}))
    rows = [
        {"id": i, "prompt": f"Is it {i}?", "prediction": given, "reference": right, "correct": given == right}
        for i, (given, right) in enumerate(zip(answers, references, strict=True))
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (stored.path.parent / f"{method}.jsonl").write_text(lines, encoding="utf8")
    return stored


def found(results: list[Stored]) -> ExamplesData:
    (group,) = contents(results)["groups"]
    return group["examples"]


def test_examples_that_one_has_right_and_another_wrong_come_first(tmp_path: Path) -> None:
    gold = ["a", "a", "a", "b"]
    one = keep(tmp_path, "full", ["a", "x", "a", "b"], gold, 0.6)
    two = keep(tmp_path, "lora", ["a", "y", "b", "b"], gold)
    differing = found([one, two])
    assert (differing["names"], differing["total"], differing["differ"]) == (["full_ner", "lora_ner"], 4, 2)
    assert [row["id"] for row in differing["rows"]] == [2, 1]
    expected = {"id": 2, "prompt": "Is it 2?", "reference": "a", "answers": ["a", "b"], "correct": [True, False]}
    assert differing["rows"][0] == expected


def test_the_seed_is_named_whose_answers_are_shown(tmp_path: Path) -> None:
    two = [keep(tmp_path, "full", ["a", "x"], ["a", "a"], 0.6, seed) for seed in (7, 3)]
    one = keep(tmp_path, "lora", ["a", "y"], ["a", "a"])
    assert found([*two, one])["names"] == ["full_ner (seed 3, the first of 2)", "lora_ner"]


def test_predictions_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    one = keep(tmp_path, "full", ["a", "b"], ["a", "a"], 0.6)
    two = keep(tmp_path, "lora", ["a", "b"], ["a", "b"])
    three = keep(tmp_path, "bitfit", ["a", "b"], ["a", "a"])
    (three.path.parent / "bitfit.jsonl").write_text('{"id": 0}\n', encoding="utf8")
    differing = found([one, two, three, LORA])
    assert differing["names"] == ["full_ner"]
    assert any("lora_ner: its predictions are for other examples" in note for note in differing["notes"])
    assert any("bitfit.jsonl:1: not a prediction" in note for note in differing["notes"])


def test_only_so_many_examples_are_kept(tmp_path: Path) -> None:
    count = examples.MOST + 5
    results = [keep(tmp_path, name, [name] * count, ["a"] * count) for name in ("full", "lora")]
    assert found(results)["differ"] == count
    assert len(found(results)["rows"]) == examples.MOST


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("yes", "yes"),
        (["O", "B-PER", "I-PER"], "1:B-PER 2:I-PER"),
        (["O"], "(all O)"),
        ({"label": "yes", "probabilities": {"yes": 1}}, "yes"),
        ({"choice": 3, "scores": [1.0]}, "3"),
        (0.25, "0.25"),
        (None, "null"),
        ([], "[]"),
        ("x" * 500, "x" * 400 + "…"),
    ],
)
def test_answers_are_spelt(answer: Any, text: str) -> None:
    assert examples.spell(answer) == text


def test_the_command_writes_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path / "results", sample())
    for out, status in ((tmp_path / "deep" / "report.html", 0), (tmp_path / "results", 2)):
        with pytest.raises(SystemExit) as ended:
            main(["report", str(tmp_path / "results"), "--out", str(out)])
        assert ended.value.code == status
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf8").endswith("</html>\n")
    assert "error: cannot write" in capsys.readouterr().err


def test_scores_on_validation_are_read_off_the_curve() -> None:
    curve: list[dict[str, object]] = [
        {"epoch": 0.5, "loss": 1.0},
        {"epoch": 1.0, "loss": 0.5, "validation": {"f1": 0.25, "loss": 1}},
        {"epoch": 2.0, "loss": 0.5, "validation": {"f1": 0.5, "odd": "text"}},
        {"epoch": "two", "validation": {"f1": 0.5}},
        {"epoch": 3.0, "validation": [0.5]},
    ]
    assert on_validation(curve) == {"f1": [[1.0, 0.25], [2.0, 0.5]], "loss": [[1.0, 1.0]]}
