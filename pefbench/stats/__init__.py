"""Statistics: paired tests, intervals, expected best scores after tuning, detectable differences.

They work on outcomes of runs; nothing here depends on recipes, models or files.
"""
