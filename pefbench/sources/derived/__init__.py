"""Data sets derived from packages' files, one per module, with a ``READER`` as in `formats`."""
