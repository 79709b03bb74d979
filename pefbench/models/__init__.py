"""Pretrained models: how they are loaded, what their modules are, and how they are quantised."""
