"""The live table of a map's rows in a notebook, and the static summary that takes its place."""
