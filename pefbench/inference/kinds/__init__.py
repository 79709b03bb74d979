"""How a head is asked and how its answers are said: one file for each kind of head, by its module in `heads/`.

A file exports ``KIND``. What is here knows of texts and of offsets; tokens and tensors are the head's affair.
"""
