"""Quantiles of Student's t distribution from a table: importing scipy takes a second, and `pefbench table` is fast."""

from __future__ import annotations

# Two-sided 95 %, by degrees of freedom from 1; beyond the last, the normal quantile is within 4 %.
_T_95 = [
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
]
NORMAL_95 = 1.96


def critical_95(freedom: int) -> float:
    """The two-sided 95 % critical value of t; 0 without degrees of freedom, when the spread is unknown."""
    if freedom < 1:
        return 0.0
    return _T_95[freedom - 1] if freedom <= len(_T_95) else NORMAL_95
