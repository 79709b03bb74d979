"""Applications of trained models, a folder each: its `app.py` holds `APP`. They import what is public alone."""
