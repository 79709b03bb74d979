"""The commands, a file each: `add` tells argparse of it, and what it sets as `run` does it and returns the status."""
