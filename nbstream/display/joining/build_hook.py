"""What Hatch calls when it builds a wheel: it puts the joined texts in place of the sources.

It must not import the package, whose dependencies a build does not have.
"""

from __future__ import annotations

import pathlib
import runpy
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["JoiningHook"]


class JoiningHook(BuildHookInterface[Any]):
    """Joins the modules and style sheets of each widget."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the joined texts to a wheel.

        Nothing is written into the checkout, so nothing there can become stale. An editable install joins its sources
        when they are used and therefore depends on the parsers itself.
        """
        if version == "editable":
            build_data["dependencies"] += self.config["dependencies"]
            return
        self._folder = tempfile.TemporaryDirectory(prefix="nbstream-joined-")
        for path, text in _joined(pathlib.Path(self.root)).items():
            copy = pathlib.Path(self._folder.name) / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, "utf-8", newline="\n")
            build_data["force_include"][str(copy)] = path.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary copies."""
        del build_data, artifact_path
        if version != "editable":
            self._folder.cleanup()


def _joined(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """Each widget's module and the style sheet beside it, joined, by their places in the wheel."""
    here = pathlib.Path(__file__).parent
    modules, styles = (runpy.run_path(str(here / name)) for name in ("modules.py", "styles.py"))
    joined = {}
    for entry in sorted(root.glob("nbstream/**/static/*.js")):
        if modules["has_default_export"](entry):
            joined[entry] = modules["join_modules"](entry)
            if (sheet := entry.with_suffix(".css")).exists():
                joined[sheet] = styles["join_styles"](sheet)
    return {path.relative_to(root).with_suffix(f".joined{path.suffix}"): text for path, text in joined.items()}
