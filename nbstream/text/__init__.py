"""Small pure helpers on text."""
