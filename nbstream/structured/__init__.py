"""Answers that are held to a schema: what the server is told, what has arrived so far, and the object at the end."""
