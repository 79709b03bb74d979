"""Inference with a saved trial: it is loaded once and answers any number of inputs.

A kind turns inputs into a head's examples, and the head's results into JSON answers; `kinds/` has one file for each.
"""
