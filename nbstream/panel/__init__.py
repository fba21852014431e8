"""What connects a `Chat` to the view of a `ChatPanel`: values, a queue, the controller and the saved output."""
