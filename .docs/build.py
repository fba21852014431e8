"""Build the documentation: `python .docs/build.py`. The pages go to build/docs, the site to build/site."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / ".docs"
PAGES = ROOT / "build" / "docs"

sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT))

import reference  # noqa: E402  they are beside this file
from readme import pages_of  # noqa: E402
from rooms import drawn, rooms_of  # noqa: E402
from tasks import with_output  # noqa: E402

TUTORIALS = "tutorials"


def main() -> int:
    """Write all pages, and have MkDocs make the site of them. Returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages-only", action="store_true", help="write the pages, and do not make the site")
    chosen = parser.parse_args()
    shutil.rmtree(PAGES, ignore_errors=True)
    nav = _write_pages()
    config = yaml.unsafe_load((HERE / "mkdocs.yml").read_text("utf-8"))
    config |= {"nav": nav, "docs_dir": "docs", "site_dir": "site"}
    config["plugins"][2]["mkdocstrings"]["handlers"]["python"]["paths"] = [str(ROOT)]
    config["plugins"][2]["mkdocstrings"]["handlers"]["python"]["options"]["extensions"] = [str(HERE / "examples.py")]
    (PAGES.parent / "mkdocs.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    if chosen.pages_only:
        return 0
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"], cwd=PAGES.parent, check=False
    ).returncode


def _write_pages() -> list[object]:
    shutil.copytree(ROOT / "notebooks" / "images", PAGES / "images")
    shutil.copytree(HERE / "pages", PAGES, dirs_exist_ok=True)
    (PAGES / "tasks.md").write_text(with_output((HERE / "pages" / "tasks.md").read_text("utf-8")), "utf-8")
    from_readme = pages_of((ROOT / "README.md").read_text("utf-8"))
    made = {page.path: page.text for page in from_readme}
    made["reference/options.md"] = reference.options()
    made["reference/settings.md"] = reference.settings()
    made["reference/api.md"] = reference.api()
    modules = reference.modules()
    made |= {f"reference/{name}.md": text for name, text in modules.items()}
    made["about/wire.md"] = reference.wire(ROOT / "tests" / "data" / "wire")
    figures = HERE / "figures.json"
    if figures.exists():
        made["about/performance.md"] = reference.performance(figures)
    tour = (HERE / "pages" / "about" / "architecture.md").read_text("utf-8")
    made["about/architecture.md"] = tour.replace("<!-- rooms -->", _rooms())
    made["about/changelog.md"] = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for path, text in made.items():
        (PAGES / path).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / path).write_text(text.rstrip() + "\n", "utf-8")
    guide = [{page.title: page.path} for page in from_readme if page.path.startswith("guide/")]
    about = [
        "architecture",
        "how-it-works",
        "wire",
        "performance",
        "security",
        "hosts",
        "comparison",
        "contributing",
        "changelog",
    ]
    return [
        {"Home": "index.md"},
        {"Tutorials": _tutorials()},
        {"Tasks": "tasks.md"},
        {"Guide": guide},
        {"When something goes wrong": "endings.md"},
        {
            "Reference": [
                {"Options": "reference/options.md"},
                {"Settings": "reference/settings.md"},
                {"Python API": "reference/api.md"},
                *({f"nbstream.{name}": f"reference/{name}.md"} for name in modules),
            ]
        },
        {"About": [f"about/{name}.md" for name in about if (PAGES / "about" / f"{name}.md").exists()]},
    ]


def _rooms() -> str:
    """The picture of the rooms, and what each is for."""
    rooms = rooms_of(ROOT / "nbstream")
    rows = [f"| `{room.name or '(top)'}` | {room.about} | {room.files} | {room.lines:,} |" for room in rooms]
    return "\n".join([drawn(rooms), "", "| room | | modules | lines |", "|---|---|--:|--:|", *rows])


def _tutorials() -> list[dict[str, str]]:
    """Copy the notebooks, and say where they are."""
    (PAGES / TUTORIALS).mkdir(parents=True)
    made = []
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, PAGES / TUTORIALS / notebook.name)
        made.append({notebook.stem[3:].replace("_", " ").capitalize(): f"{TUTORIALS}/{notebook.name}"})
    return made


if __name__ == "__main__":
    sys.exit(main())
