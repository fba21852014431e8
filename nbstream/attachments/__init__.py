"""Images and files that go with a prompt: what is given becomes OpenAI content parts. Asks nobody and sends nothing."""
