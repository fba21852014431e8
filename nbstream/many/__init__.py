"""Many answers at once: over the rows of a table, and how they are shown."""
