"""One recipe, one trial, one result."""
