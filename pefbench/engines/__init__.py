"""Where trials run: worker processes on this machine, which `compare` and `search` give one trial after another."""
