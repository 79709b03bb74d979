"""Results that other tools recorded, as result files of pefbench.

``samples``, ``aggregated`` and ``harness`` read what lm-evaluation-harness writes, ``method_comparison`` what PEFT's
benchmark of methods writes; ``gather`` tells them apart, ``values`` makes intervals where a file allows one, and
``write`` writes result files.
"""
