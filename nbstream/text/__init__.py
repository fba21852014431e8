"""Small pure helpers on text, which know nothing of the rest."""
