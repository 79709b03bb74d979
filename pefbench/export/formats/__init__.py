"""The export formats, one file each: a file exports ``FORMAT``."""
