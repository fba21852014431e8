"""What is asked: rows of any kind, their prompts, keys, states and results."""
