"""Helpers for reading rows; a new task takes its own from here.

One file is one kind of reading. `labels`: a text, or two, with one label. `unseen`: labels that training
lacks. `values`: a column's text, number or list, and the error for a cell that holds something else. `choices`:
candidates of which one is right. `generation`: the options of a search, and which examples are scored. `ratings`
and `polarity`: labels that are numbers with a sign. `judges`: classifiers that judge generated texts.
"""
