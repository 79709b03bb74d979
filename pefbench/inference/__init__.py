"""From a saved trial to answers: a trial is loaded once and asked any number of times.

A kind is how one head is asked and how its answers are said; `kinds/` has one file for each.
"""
