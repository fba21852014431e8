"""Many streams at once: maps over tables, comparisons, streams in the background."""
