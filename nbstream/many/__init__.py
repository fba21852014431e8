"""Many answers at once."""
