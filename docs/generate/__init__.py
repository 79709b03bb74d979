"""What the documentation shows of code and results, written by pefbench's own code: never by hand."""
