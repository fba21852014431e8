"""Many answers at once: models beside each other, prompts over tables, streams in the background."""
