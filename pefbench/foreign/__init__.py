"""Imports results that other tools recorded as result files of pefbench.

``samples``, ``aggregated`` and ``harness`` read the files of lm-evaluation-harness, and ``method_comparison`` those of
PEFT's method benchmark. ``gather`` finds and distinguishes them, ``values`` computes intervals if a file allows it, and
``write`` writes result files.
"""
