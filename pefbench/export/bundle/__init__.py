"""Parts of the bundles' scripts. They are copied, never imported: see `export.script`."""
