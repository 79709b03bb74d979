"""The commands, one per file: `add` registers it with argparse and sets `run`, which returns the exit status."""
