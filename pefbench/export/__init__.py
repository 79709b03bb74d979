"""From a saved trial to files that run without it, held to the trial's own answers.

A format is one file in `formats/`. `heads/` says what a bundle must know of each head, `bundle/` has the scripts that
answer in it, for machines without torch.
"""
