"""Picks a method: finds those within the limits that score near full fine-tuning, and names one by a stated rule.

``limits`` holds the user's limits and finds what exceeds them, ``answers`` applies them to each group of comparable
trials, ``notes`` makes the caveats and ``rendering`` the text.
"""

from pefbench.analysis.pick.answers import Answer, pick
from pefbench.analysis.pick.limits import PREFERENCES, Limits
from pefbench.analysis.pick.rendering import render

__all__ = ["PREFERENCES", "Answer", "Limits", "pick", "render"]
