"""The report page's data on searches."""

from __future__ import annotations

from pefbench.analysis.html.searches import searches
from tests.sample_search import searched


def test_settings_stand_in_order_with_their_last_score_and_the_selected_one_is_marked() -> None:
    found = searched()
    [shown] = searches([found])
    assert shown["heading"] == "12 settings, 4 stopped early, proposed by tpe"
    assert (shown["fields"], shown["log"]) == (["train.learning_rate", "method.rank"], [True, False])
    assert shown["importance"] == [["train.learning_rate", 0.88], ["method.rank", 0.12]]
    tried = found["methods"]["lora"]["trials"]
    assert [each["score"] for each in shown["trials"]] == [trial["evaluations"][-1] for trial in tried]
    [selected] = [each for each in shown["trials"] if each["selected"]]
    assert selected["values"] == [*found["named"]["setting"].values()]


def test_what_is_no_number_is_text_and_an_older_record_has_no_importance() -> None:
    found = searched(4)
    del found["methods"]["lora"]["importance"]
    found["methods"]["lora"]["trials"][0]["setting"]["method.rank"] = None
    found["methods"]["lora"]["trials"][1]["setting"]["method.rank"] = True
    [shown] = searches([found])
    assert [each["values"][1] for each in shown["trials"]] == ["None", "True", 8.0, 16.0]
    assert shown["importance"] == []
