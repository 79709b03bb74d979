"""Exports saved trials to files that run without pefbench, checked against the trial's own answers.

A format is one file in `formats/`. `heads/` has a bundle's settings for each kind of head, `bundle/` the scripts with
which a bundle answers on machines without torch.
"""
