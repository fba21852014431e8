"""A conversation as a value: its turns, the tree of its branches, what of it a request sends, and how it is saved.

Pure: no clock, thread, display or SDK. `nbstream.conversation.chat` decides who asks, and when.
"""
