"""Adapters as parts that act on their own rows of a batch, at modules of the base that all of them share.

One file is one type of PEFT's, its `PARTS`; a type without a file cannot share a batch.
"""
