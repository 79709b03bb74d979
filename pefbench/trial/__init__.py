"""One recipe, one trial, one result."""

import pefbench.models  # noqa: F401 - before any file here imports accelerate: see there what waits
