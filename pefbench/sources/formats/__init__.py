"""The formats, one per module: its ``READER`` turns a file or a folder into rows. The folder is the registry."""
