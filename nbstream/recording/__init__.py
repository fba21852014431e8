"""Recordings of streams: written while they arrive, and played in place of asking again."""
