"""The magics, their options, and how their cells are run."""
