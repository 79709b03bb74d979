"""Tuners of our own, registered with PEFT: what PEFT does not have."""
