from __future__ import annotations

from pefbench.results.signature import of_value


def test_what_a_value_depends_on_is_not_its_interval() -> None:
    old, new = "accuracy|v:1|ci:percentile-bootstrap-95|n:2000|seed:0", "accuracy|v:1|ci:wilson-95"
    assert of_value(old) == of_value(new) == "accuracy|v:1"
    assert of_value("accuracy|v:2|ci:wilson-95") != of_value(new)
    assert of_value("loss") == "loss"
