"""The view of the chat panel: what it shows, what a reader can do, and the page that draws it."""
