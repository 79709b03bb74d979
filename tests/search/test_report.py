from __future__ import annotations

from pathlib import Path
from typing import Any

from pefbench.search import report
from tests.sample_search import searched


def test_a_setting_that_the_race_preferred_is_not_called_the_best_of_the_search() -> None:
    found: Any = searched()
    first, second = (trial["setting"] for trial in found["methods"]["lora"]["trials"][:2])
    found["race"] = [
        {
            "method": "lora",
            "setting": setting,
            "trial": number,
            "values": values,
            "mean": sum(values) / 2,
            "mean_of_new_seeds": values[1],
            "dropped": None,
        }
        for number, (setting, values) in enumerate([(first, [0.6, 0.4]), (second, [0.55, 0.58])])
    ]
    found["named"]["setting"] = second
    path = Path("search.json")
    assert "validation 0.55, number 2 of 12 settings, so optimistic; 0.58 with 1 new seed" in report.render(path, found)
    found["named"]["setting"] = first
    assert "validation 0.6, the best of 12 settings, so optimistic" in report.render(path, found)
    found["higher_is_better"] = False
    assert "validation 0.6, number 2 of 12 settings" in report.render(path, found)


def test_what_was_saved_is_not_told_where_settings_differ_in_epochs() -> None:
    found: Any = searched()
    found["race"] = [
        {
            "method": "lora",
            "setting": found["named"]["setting"],
            "trial": 0,
            "values": [0.6],
            "mean": 0.6,
            "mean_of_new_seeds": None,
            "dropped": None,
        }
    ]
    assert "training examples seen, 78% of training every setting" in report.render(Path("search.json"), found)
    found["methods"]["lora"]["space"]["train.epochs"] = {"choice": [1, 5]}
    shown = report.render(Path("search.json"), found)
    assert "training examples seen" in shown
    assert "every setting to the end" not in shown
