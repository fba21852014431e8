"""The command line."""

from nbstream.cli.commands import main

__all__ = ["main"]
