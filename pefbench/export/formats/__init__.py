"""The formats of exports, one file each: a file exports ``FORMAT``."""
