"""The result file: its schema, where it is kept, and where it comes from."""

from pefbench.results.store import Loaded, Stored, load_results

__all__ = ["Loaded", "Stored", "load_results"]
