"""From a saved trial to answers: a trial is loaded once and used any number of times.

A kind turns inputs into one head's examples and its answers into JSON; `kinds/` has one file for each.
"""
