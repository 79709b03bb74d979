"""Is one method better than another? Paired tests, the tuning that a score took, the difference that could be seen.

Plain statistics over outcomes of runs; nothing here knows of recipes, models or files.
"""
