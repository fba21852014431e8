"""A conversation as a value: its turns, the tree of its branches, what of it a request sends, and how it is saved.

Pure: no clock, thread, display or SDK. Who asks, and when, is `nbstream.conversation.chat`'s.
"""
