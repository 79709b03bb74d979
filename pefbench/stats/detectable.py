"""The smallest difference that a test could have shown.

Defined as the true difference at which a two-sided t-test at `level`, with the measured standard error and degrees of
freedom, is significant with probability `power`. Smaller differences would mostly have been missed: "undecided" then
says little. (Card et al., "With Little Power Comes Great Responsibility", 2020.)
"""

from __future__ import annotations

from scipy import optimize, stats


def smallest_difference(standard_error: float, freedom: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """The smallest detectable difference, in the metric's unit; 0 if the standard error is 0."""
    if standard_error == 0:
        return 0.0
    critical = float(stats.t.isf(level / 2, freedom))

    def missing(shift: float) -> float:
        return float(stats.nct.sf(critical, freedom, shift)) - power

    # The other tail is ignored: at 80 % power it has a probability below one in a million.
    bracket = 2.0 * (critical + 3.0)
    return standard_error * float(optimize.brentq(missing, 0.0, bracket))
