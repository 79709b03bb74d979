"""The kinds, one file for each head, named like its module in `heads/`.

A file exports ``KIND``. Kinds deal with texts and offsets; tokens and tensors belong to the head.
"""
