"""HTTP and the two OpenAI wire formats, and nothing else: bytes in, stream events out."""
