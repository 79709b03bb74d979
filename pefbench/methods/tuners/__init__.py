"""Our own tuners, which PEFT does not have, registered with PEFT."""
