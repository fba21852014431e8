"""One answer from request to end: its rounds, the surfaces that draw it, and the observers that hear of it."""
