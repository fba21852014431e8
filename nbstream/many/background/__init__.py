"""Streams that no cell waits for: what they are called, and the table that shows them."""
