"""The scripts of bundles, one for each kind of head. They are copied, never imported: see `export.script`."""
