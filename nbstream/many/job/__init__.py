"""A map as it runs: rows are read, asked, written, counted and shown."""
