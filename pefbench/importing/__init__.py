"""Defers slow imports of libraries, which most commands do not need, to the first use."""
