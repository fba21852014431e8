"""From stream events to snapshots. Pure: no SDK, no clock, no thread, no display."""

from nbstream.assembly.assembler import Assembler

__all__ = ["Assembler"]
