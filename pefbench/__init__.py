"""Fine-tuning methods compared honestly: one recipe, one trial, one result that can be trusted."""

__version__ = "0.1.0"
