"""One file format each: its reader turns a file or a folder into rows."""
