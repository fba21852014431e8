"""Markdown as models write it: rendered whole, rendered piece by piece, and made safe for a trusted notebook.

Pure: text in, values out. Imports nothing else of nbstream.
"""

from nbstream.markdown.diagrams import diagram
from nbstream.markdown.dialect import render
from nbstream.markdown.incremental import IncrementalRenderer, Patch
from nbstream.markdown.links import Images
from nbstream.markdown.safety import inert
from nbstream.markdown.tree import Remark
from nbstream.markdown.words import escaped

__all__ = ["Images", "IncrementalRenderer", "Patch", "Remark", "diagram", "escaped", "inert", "render"]
