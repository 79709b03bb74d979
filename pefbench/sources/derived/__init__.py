"""Data sets made of the files of packages, one a module, with a ``READER`` as in `formats`."""
