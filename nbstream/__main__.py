"""`python -m nbstream`, for where the command is not on the path."""

from __future__ import annotations

import sys

from nbstream.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
