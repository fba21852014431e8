"""Rows in the Batch API: files are sent, batches are looked at, and their answers fetched."""
