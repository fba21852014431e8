"""Checks of prompts and answers, and what becomes of what they flag: `nbs.moderation.Moderation`."""

from __future__ import annotations

from nbstream.moderation.policy import Moderation
from nbstream.outcome import Verdict

__all__ = ["Moderation", "Verdict"]
