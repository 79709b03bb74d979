"""Applications of trained models, one per folder, whose `app.py` has `APP`. They use only pefbench's public API."""
