"""The answering scripts of bundles, by head. They are copied, never imported: see `export.script`."""
