"""Adapters as parts that act on their own rows of a batch, at modules of the shared base.

Each file implements one PEFT type, as `PARTS`; a type without a file cannot share a batch.
"""
