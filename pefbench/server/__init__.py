"""Saved trials behind HTTP: one frozen base for many adapters, which share its batches.

`mixing/` has one file for each type of adapter that can stand beside others in a batch; the rest shares none.
"""
