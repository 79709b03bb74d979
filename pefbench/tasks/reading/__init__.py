"""Helpers for reading rows, also for new tasks.

Each file is one kind of reading. `labels`: a text, or two, with one label. `unseen`: labels that training lacks.
`values`: a column's text, number or list, and the error for a cell with anything else. `choices`: candidates, one of
which is right. `generation`: the options of decoding, and which examples are scored. `ratings` and `polarity`: labels
that are signed numbers. `judges`: classifiers that judge generated texts.
"""
