"""Applications of trained models, a folder each: its `app.py` holds `APP`. They use `load`, the server and results."""
