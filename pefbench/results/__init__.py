"""The result file: its schema, its place and its provenance."""
