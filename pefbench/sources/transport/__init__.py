"""How files get here: from the hub, out of wheels, from this machine; all of it cached."""
