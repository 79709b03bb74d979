"""The report in a real browser: offline, by keyboard, light and dark, on a phone, with content shown only as text."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.cli.main import main
from pefbench.search import record
from tests.browser import Browser, found
from tests.sample_results import failed_sample, sample, store
from tests.sample_search import searched

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = found()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no chromium here")

NASTY = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><!--"
TAB, SPACE = ("Tab", 9), (" ", 32)


KEPT = {"step": 20, "epoch": 2.0, "chosen": "best", "steps": 40, "planned": 40, "stopped": "end"}


def scored_curve(trained: int) -> list[dict[str, Any]]:
    """A curve with scores on validation after every tenth step."""
    curve: list[dict[str, Any]] = []
    for step in range(1, 41):
        point: dict[str, Any] = {"step": step, "epoch": step / 10, "loss": 1 / step, "learning_rate": 1e-3}
        if step % 10 == 0:
            point["validation"] = {"entity_f1": 0.5 - abs(step - 20) / 100 - trained / 1e9, "recall": step / 40}
        curve.append(point)
    return curve


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    costs = {"full": 22_000_000, "lora": 400_000, "bitfit": 30_000, "dear": 900_000}
    for (method, trained), value in zip(costs.items(), (0.55, 0.56, 0.4, 0.45), strict=True):
        named = {"folder": None, "predictions": f"{method}.jsonl"}
        changes: dict[str, object] = {"model.trainable_parameters": trained, "artifacts": named}
        if method != "bitfit":
            changes |= {"curve": scored_curve(trained), "kept": KEPT}
        stored = store(folder / "results", sample(f"{method}_ner", method, value=value, changes=changes))
        rows: list[dict[str, Any]] = [
            {
                "id": i,
                "prediction": f"{method} says {i}",
                "reference": NASTY,
                "correct": (i + trained // 10_000) % 3 == 0,
            }
            for i in range(30)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (stored.path.parent / named["predictions"]).write_text(lines, encoding="utf8")  # type: ignore[operator]
    store(folder / "results", failed_sample(error=NASTY))
    record.write(folder / "results" / "search.json", searched())
    with pytest.raises(SystemExit) as ended:
        main(["report", str(folder / "results"), "--out", str(folder / "report.html")])
    assert ended.value.code == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(report: Path) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM) as browser:
        browser.look(width=1200)
        browser.open(report)
        yield browser


def choose(browser: Browser, title: str, value: str) -> None:
    script = (
        "(() => { const label = [...document.querySelectorAll('label')]"
        f".find((each) => each.textContent.startsWith({title!r}));"
        f"const select = label.querySelector('select'); select.value = {value!r};"
        "select.dispatchEvent(new Event('change')); return select.value; })()"
    )
    assert browser.value(script) == value


def test_it_opens_without_network_or_errors(browser: Browser, report: Path) -> None:
    asked = [
        event["params"]["request"]["url"] for event in browser.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [report.as_uri()]
    troubles = [event for event in browser.events if event["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}]
    assert troubles == []


def test_the_verdict_is_on_top_and_untrusted_text_is_text(browser: Browser) -> None:
    assert browser.value("document.title") == "pefbench report"
    assert "lora_ner has the highest entity_f1 0.560" in browser.value(
        "document.querySelector('.verdicts').textContent"
    )
    assert NASTY in browser.value("document.querySelector('td.long').textContent")
    assert browser.value("document.querySelectorAll('img').length") == 0
    assert browser.value("document.scripts.length") == 2
    assert NASTY in browser.value("document.querySelector('section[aria-labelledby=failed]').textContent")


def test_an_injected_script_is_refused(browser: Browser) -> None:
    browser.value(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.owned = 1';"
        "document.body.append(script); script.remove(); })()"
    )
    assert browser.value("window.owned") is None


def test_the_axes_can_be_chosen_and_the_front_is_what_nothing_cheaper_beats(browser: Browser) -> None:
    front = (
        "[...document.querySelectorAll('.plot g.on-front[tabindex]')]"
        ".map((g) => g.getAttribute('aria-label').split(':')[0])"
    )
    assert sorted(browser.value(front)) == ["bitfit_ner", "lora_ner"]
    choose(browser, "Across", "seconds")
    assert browser.value(front) == ["lora_ner"]
    choose(browser, "Up", "loss")
    assert "lower is better" in browser.value("document.querySelector('.plot svg').getAttribute('aria-label')")
    choose(browser, "Up", "entity_f1")
    choose(browser, "Across", "trained")


def test_a_keyboard_reaches_everything(browser: Browser) -> None:
    browser.value("document.activeElement.blur()")
    seen = []
    for _ in range(40):
        browser.press(*TAB)
        seen.append(
            browser.value(
                "(() => { const on = document.activeElement; return [on.tagName.toLowerCase(),"
                "on.getAttribute('aria-label') || on.labels?.[0]?.textContent || on.textContent.trim(),"
                "getComputedStyle(on).outlineStyle !== 'none' || on.tagName === 'g']; })()"
            )
        )
    seen = seen[: seen.index(seen[0], 1)]  # once around
    assert all(named and visible for tag, named, visible in seen if tag != "body")
    tags = [tag for tag, _, _ in seen]
    assert seen[0][:2] == ["a", "Skip to the results"]
    assert tags.count("g") == 4
    assert {"a", "select", "g", "div", "input", "summary"} <= {*tags}
    points = [name for tag, name, _ in seen if tag == "g"]
    assert any("on the Pareto front" in name for name in points)


def test_a_point_tells_its_numbers(browser: Browser) -> None:
    browser.value("document.querySelector('.plot g[tabindex]').focus()")
    assert "lora_ner: entity_f1 0.560 [0.530, 0.590]" in browser.value("document.querySelector('.detail').textContent")


def test_curves_are_ticked_by_the_keyboard(browser: Browser) -> None:
    lines = "document.querySelectorAll('.plot .curve').length"
    before = browser.value(lines)
    browser.value("document.querySelector('.keys input').focus()")
    browser.press(*SPACE)
    browser.wait(f"{lines} === {before - 1}")
    browser.press(*SPACE)
    browser.wait(f"{lines} === {before}")


def test_scores_on_validation_stand_beside_the_loss_and_the_kept_step_is_marked(browser: Browser) -> None:
    lines = "[...document.querySelectorAll('.plot .scores')].length"
    assert browser.value(lines) == 3, "one trial has no scores"
    radii = "[...document.querySelectorAll('.plots circle')].map((dot) => Number(dot.getAttribute('r')))"
    assert browser.value(radii) == [2.5, 6, 2.5, 2.5] * 3
    title = "document.querySelectorAll('.plots svg[role=img]')[1].getAttribute('aria-label')"
    assert browser.value(title).startswith("entity_f1 on validation against epoch of lora_ner, full_ner")
    choose(browser, "On validation", "recall")
    assert browser.value(title).startswith("recall on validation")
    tops = "[...document.querySelectorAll('.plots .plot')].map((plot) => plot.getBoundingClientRect().top)"
    assert len({*browser.value(tops)}) == 1
    choose(browser, "On validation", "entity_f1")
    rows = "[...document.querySelectorAll('details tbody tr')].map((row) => row.lastChild.textContent)"
    assert browser.value(rows)[0] == "0.500 at epoch 2"


def test_examples_are_filtered(browser: Browser) -> None:
    status = "document.querySelector('[role=status]').textContent"
    assert browser.value(status).startswith("30 shown; 30 of 30")
    choose(browser, "Right in", "0")
    choose(browser, "Wrong in", "2")
    marks = (
        "[...document.querySelectorAll('[aria-label^=\"Test examples\"] tbody tr')]"
        ".map((row) => [row.children[2].textContent[0], row.children[4].textContent[0]].join(''))"
    )
    rows = browser.value(marks)
    assert rows
    assert set(rows) == {"✓✗"}
    choose(browser, "Right in", "")
    choose(browser, "Wrong in", "")
    browser.value(
        "(() => { const box = document.querySelector('input[type=search]'); box.value = 'SAYS 17';"
        "box.dispatchEvent(new Event('input')); })()"
    )
    assert browser.value(status).startswith("1 shown")
    browser.value(
        "(() => { const box = document.querySelector('input[type=search]'); box.value = '';"
        "box.dispatchEvent(new Event('input')); })()"
    )


def test_a_search_is_shown_by_three_charts_and_a_table(browser: Browser) -> None:
    browser.wait("document.querySelectorAll('.plot .way').length > 0")
    count = "document.querySelectorAll('{}').length"
    for drawn in ("tried", "way"):
        looks = [browser.value(count.format(f".plot .{drawn}.{look}")) for look in ("finished", "stopped", "selected")]
        assert looks == [7, 4, 1]
    assert browser.value("[...document.querySelectorAll('.plot text')].map((each) => each.textContent)").count(
        "train.learning_rate: 88 %"
    )
    rows = browser.value(
        "[...[...document.querySelectorAll('caption')].find((each) => each.textContent === 'Settings tried')"
        ".parentElement.tBodies[0].rows].map((row) => row.textContent)"
    )
    assert len(rows) == 12
    assert sum("selected" in row for row in rows) == 1


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_and_can_be_read(browser: Browser, width: int, *, dark: bool) -> None:
    browser.look(width=width, dark=dark)
    browser.wait(f"document.querySelector('.plot svg').viewBox.baseVal.width <= {width}")
    assert browser.value("document.documentElement.scrollWidth") <= width
    for name, least in (
        ("--ink", 7),
        ("--soft", 4.5),
        ("--accent", 4.5),
        ("--good", 4.5),
        ("--bad", 4.5),
        ("--dot", 3),
    ):
        assert contrast(browser, name, "--paper") >= least, name
    for number in range(8):
        assert contrast(browser, f"--c{number}", "--paper") >= 3
    assert (luminance(browser, "--paper") < 0.1) is dark
    picture = browser.screenshot()
    assert picture.startswith(b"\x89PNG")
    if folder := os.environ.get("PEFBENCH_SCREENSHOTS"):
        Path(folder, f"report-{width}-{'dark' if dark else 'light'}.png").write_bytes(picture)


def luminance(browser: Browser, name: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2 defines it."""
    text = browser.value(f"getComputedStyle(document.documentElement).getPropertyValue('{name}').trim()")
    parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(browser: Browser, first: str, second: str) -> float:
    light, dark = sorted((luminance(browser, first), luminance(browser, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
