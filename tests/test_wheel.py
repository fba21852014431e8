"""What `pip install .` installs."""

import json
import pathlib
import re
import subprocess
import sys
import tomllib
import zipfile
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata

import nbstream
from nbstream.display.joining.build_hook import JoiningHook
from nbstream.display.live_view import LiveView
from nbstream.many.comparison.choice_view import ChoiceView
from nbstream.many.comparison.view import ComparisonView
from nbstream.panel.view.panel_view import PanelView

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_carries_the_types(wheel):
    assert "nbstream/py.typed" in wheel


def test_wheel_carries_the_page_code_joined_and_no_source_of_it(wheel):
    front_end = {name for name in wheel if "/static/" in name or name.endswith((".js", ".css"))}
    comparison = "many/comparison/static"
    widgets = (
        *("display/static/live_view", "panel/view/static/panel"),
        *(f"{comparison}/choice", f"{comparison}/comparison"),
        *("many/background/static/jobs", "many/table/static/table"),
    )
    joined = {f"nbstream/{name}.joined.{kind}" for name in widgets for kind in ("js", "css")}
    assert front_end == joined | {f"nbstream/telemetry/page/inspection.{kind}" for kind in ("js", "css")}
    assert not [name for name in wheel if "joining" in name]


def test_widgets_of_a_wheel_have_the_code_of_the_checkout_and_need_no_parser(wheel, tmp_path):
    for name, content in wheel.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules |= dict.fromkeys(['tree_sitter', 'tinycss2'])\n"
        "from nbstream.display import live_view\n"
        "from nbstream.many.comparison import choice_view, view\n"
        "from nbstream.panel.view import panel_view\n"
        "assert live_view.__file__.startswith(sys.argv[1])\n"
        "import json\n"
        "widgets = (live_view.LiveView, panel_view.PanelView, view.ComparisonView, choice_view.ChoiceView)\n"
        "print(json.dumps([str(vars(widget).get(name)) for widget in widgets for name in ('_esm', '_css')]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    output = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, encoding="utf-8").stdout
    assert json.loads(output) == [
        str(vars(widget).get(name))
        for widget in (LiveView, PanelView, ComparisonView, ChoiceView)
        for name in ("_esm", "_css")
    ]


def test_an_editable_install_has_no_joined_text_and_brings_the_parsers():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    hook = config["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    data: dict[str, Any] = {"dependencies": [], "force_include": {}}
    metadata: ProjectMetadata[Any] = ProjectMetadata(str(ROOT), None)
    JoiningHook(str(ROOT), hook, None, metadata, "", "wheel").initialize("editable", data)
    assert data["force_include"] == {}
    names = {name.split(">")[0] for name in data["dependencies"]}
    assert names == {"tinycss2", "tree-sitter", "tree-sitter-javascript"}


def test_wheel_carries_the_tutorials_and_the_demo_answers(wheel):
    for name in [path.name for path in (ROOT / "notebooks").glob("*.ipynb")]:
        assert wheel[f"nbstream/demo/{name}"] == (ROOT / "notebooks" / name).read_bytes()
    assert any(name.startswith("nbstream/demo/texts/") for name in wheel)


def test_jupyter_knows_the_relay_and_leaves_it_off(wheel):
    [name] = [name for name in wheel if ".data/" in name]
    assert name.split(".data/")[1] == "data/etc/jupyter/jupyter_server_config.d/nbstream.json"
    assert json.loads(wheel[name]) == {"ServerApp": {"jpserver_extensions": {"nbstream.relay": False}}}


def test_wheel_carries_nothing_else(wheel):
    outside = {name.split("/")[0] for name in wheel} - {"nbstream"}
    assert [name for name in outside if not name.endswith((".data", ".dist-info"))] == []


def test_the_recipe_for_conda_requires_what_the_wheel_requires():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    recipe = (ROOT / ".github" / "conda-forge" / "recipe.yaml").read_text("utf-8")
    listed = re.findall(r"    - (.+)", recipe.partition("  run:\n")[2].partition("tests:")[0])
    wanted = {_requirement(each.split(";")[0]) for each in project["dependencies"]}
    assert {_requirement(each) for each in listed if not each.startswith("python ")} == wanted
    assert f'version: "{nbstream.__version__}"' in recipe


def _requirement(text: str) -> tuple[str, str]:
    """The name, as PyPI compares names, and the bounds."""
    name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*?)\s*", text).groups()  # type: ignore[union-attr]
    return re.sub(r"[-_.]+", "-", name).lower(), bounds
