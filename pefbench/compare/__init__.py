"""Which method? Methods tuned with the same number of trials, then compared on the same test examples.

``file`` -> ``search`` -> ``plan`` -> ``pool`` of ``worker`` processes -> ``verdict`` (fields in ``verdict_schema``).
This file and the schema import nothing heavy, so that reading a verdict is fast.
"""
