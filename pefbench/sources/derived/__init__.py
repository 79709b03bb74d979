"""Data sets made of packages, and models made of other files."""
