"""The result file: its schema, where it is kept, and where it comes from."""
