from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report as sklearn_report

from pefbench.results.classification_report import Report, as_row, render

LABELS = ["B-LOC", "I-LOC", "B-creative-work"]  # the last is longer than "weighted avg"


def read(gold: list[str], predicted: list[str], labels: list[str]) -> Report:
    """Take the numbers from scikit-learn; without O among the labels it has a micro average."""
    rows = sklearn_report(gold, predicted, labels=labels, output_dict=True, zero_division=0)
    plain = {name: as_row(*row.values()) for name, row in rows.items()}
    return {
        "classes": {name: plain[name] for name in labels},
        "averages": {name: row for name, row in plain.items() if name not in labels},
    }


@settings(max_examples=50, deadline=None)
@given(
    pairs=st.lists(st.tuples(*[st.sampled_from(["O", *LABELS])] * 2), min_size=1, max_size=30),
    labels=st.sampled_from([LABELS, LABELS[:2]]),
    digits=st.sampled_from([2, 4, 14]),
)
def test_same_text_as_scikit_learn(pairs: list[tuple[str, ...]], labels: list[str], digits: int) -> None:
    gold, predicted = ["O", *(pair[0] for pair in pairs)], ["O", *(pair[1] for pair in pairs)]
    report = read(gold, predicted, labels)
    assert [*report["averages"]] == ["micro avg", "macro avg", "weighted avg"]
    expected = sklearn_report(gold, predicted, labels=labels, digits=digits, zero_division=0)
    assert render(report, digits) == expected


def test_report_without_classes() -> None:
    nothing = as_row(0, 0, 0, 0)
    text = render({"classes": {}, "averages": {"micro avg": nothing}}, digits=2)
    header = "              precision    recall  f1-score   support"
    assert text == header + "\n\n\n   micro avg       0.00      0.00      0.00         0\n"


def test_rows_survive_json() -> None:
    row = as_row(np.float64(0.25), np.float32(0.5), np.float64(1), np.int64(3))
    assert json.loads(json.dumps(row)) == {"precision": 0.25, "recall": 0.5, "f1-score": 1.0, "support": 3}


def test_tables_need_no_heavy_library() -> None:
    program = (
        "import sys, pefbench.results.classification_report, pefbench.metrics, pefbench.sources.tagging; "
        "print([name for name in ('numpy', 'sklearn', 'evaluate', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
