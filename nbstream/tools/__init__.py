"""Functions that a model may call: what it is told of them, who allows a call, how it runs, and what is sent back."""
