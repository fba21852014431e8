"""One answer from asking to its end: requests in rounds, surfaces that draw it, and whoever else is told of it."""
