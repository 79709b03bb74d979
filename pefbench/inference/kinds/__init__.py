"""From inputs to a head's examples, and from its answers to JSON: one file for each head, by its module in `heads/`.

A file exports ``KIND``. What is here knows of texts and of offsets; tokens and tensors are the head's affair.
"""
