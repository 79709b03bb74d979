"""The page: trends and alerts, by keyboard, in light and dark, at a phone's width."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from tests.apps.monitor.opinions import days
from tests.apps.monitor.test_app import Running, sent
from tests.apps.monitor.test_monitor import surge
from tests.browser import Browser, found
from tests.server.test_page import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = found()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    running = Running(tmp_path_factory.mktemp("monitor"), alerts={"stdout": False}, server={"max_inputs": 2000})
    given = [*surge(), *days(0, 50, company="Umbrella <b>AG</b>"), *days(50, 60, company=None)]
    body = {"items": [*sent(sorted(given, key=lambda each: each.time)), {"text": "a", "time": "2026-11-02"}]}
    assert running.client.post("/v1/items", json=body).status_code == 200
    with Browser(str(CHROMIUM)) as made:
        made.send("Page.navigate", url=running.url)
        made.wait("document.documentElement?.dataset.ready === 'yes'")
        yield made
    running.end()


def text(browser: Browser, where: str) -> str:
    return str(browser.value(f"document.querySelector('{where}').textContent"))


def drawn(browser: Browser) -> str:
    """The trend's line."""
    return str(browser.value("document.querySelector('#plot .line').getAttribute('d')"))


def point_at(browser: Browser, period: int) -> None:
    """Move the pointer over a period of the trend."""
    x = re.findall(r"[ML]([0-9.]+)", drawn(browser))[period]
    browser.value("by('plot').scrollIntoView()")
    place = browser.value(
        "(([svg]) => { const box = svg.getBoundingClientRect(); "
        f"return [box.left + {x} / svg.viewBox.baseVal.width * box.width, box.top + 20]; }})(by('plot').children)"
    )
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])


def test_alerts_show_the_headlines_that_caused_them(browser: Browser) -> None:
    browser.look(width=1000)
    assert text(browser, "#summary").startswith("1,180 items in 3 series, by day.")
    assert "1 false alarm in 1,000 days over all 2 watched series, 0.50 each" in text(browser, "#rate")
    assert text(browser, "#skipped") == "Skipped: time without zone: 1."
    assert text(browser, "article h3") == "Acme"
    assert re.search("usually 3[0-9.]+\u00a0%", text(browser, "article p"))
    assert browser.value("document.querySelectorAll('article li').length") == 5
    shown(browser, "monitor-light")


def test_a_trend_is_walked_by_keyboard(browser: Browser) -> None:
    browser.look(width=1000)
    browser.value("by('series').value = [...by('series').options].find(each => each.text === 'Acme').value")
    browser.value("choose().then(() => { document.body.dataset.chosen = 'yes'; })")
    browser.wait("document.body.dataset.chosen === 'yes' && document.querySelectorAll('#plot .alert').length === 1")
    assert browser.value("document.querySelectorAll('#plot .band').length") == 1
    assert re.search(r"is seen after about \d+, \d+, \d+ days\.", text(browser, "#about"))
    assert drawn(browser).count("M") == 1  # one line
    browser.value("slept = shown.periods, shown.periods = slept.filter((_, day) => day < 20 || day > 40), plot()")
    assert drawn(browser).count("M") == 2  # nothing came for 21 days
    places = [float(each) for each in re.findall(r"[ML]([0-9.]+)", drawn(browser))]
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(places))
    assert steps[-1] == pytest.approx(22 * steps[0], rel=0.03)  # and the gap is as wide as it is long
    point_at(browser, 10)
    assert text(browser, "#point").startswith("2024-10-14: ")  # the day under the pointer, in spite of the gap
    browser.value("shown.periods = slept, at = slept.length - 1, plot()")
    browser.value("document.querySelector('#plot svg').focus()")
    last = text(browser, "#point")
    browser.press("ArrowLeft", 37)
    assert text(browser, "#point") != last
    browser.value("slow = call, call = async where => { await new Promise(done => held = done); return slow(where); }")
    browser.value("choose().then(() => { arrived = true; })")
    browser.press("ArrowLeft", 37)
    before = text(browser, "#point")
    browser.value("call = slow, held()")
    browser.wait("window.arrived")
    assert text(browser, "#point") == before  # a key pressed while an answer is on its way counts
    browser.press("Home", 36)
    assert text(browser, "#point").startswith("2024-10-04: ")
    browser.press("End", 35)
    assert text(browser, "#point") == last
    assert browser.value("document.querySelectorAll('#numbers tbody tr').length") == 58


def test_it_fits_a_phone_in_the_dark(browser: Browser) -> None:
    browser.look(width=390, height=800, dark=True)
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
    shown(browser, "monitor-dark")


def test_names_are_text(browser: Browser) -> None:
    names = browser.value("[...by('series').options].map(each => each.text)")
    assert "Umbrella <b>AG</b>" in names
    assert "no company (not watched yet)" in names


def test_nothing_is_asked_of_anybody_else(browser: Browser) -> None:
    requests = [
        each["params"]["request"]["url"] for each in browser.events if each["method"] == "Network.requestWillBeSent"
    ]
    assert requests
    assert all(url.startswith(("http://127.0.0.1:", "data:")) for url in requests)
    assert not [each for each in browser.events if each["method"] == "Log.entryAdded"]
