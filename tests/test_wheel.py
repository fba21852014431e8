"""What `pip install .` installs."""

import pathlib
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    "name",
    [
        "display/static/live_view.js",
        "display/static/elements.js",
        "display/static/panel_view.js",
        "display/static/panel.css",
        "py.typed",
    ],
)
def test_wheel_carries_the_front_end_and_the_types(wheel, name):
    assert wheel[f"nbstream/{name}"] == (ROOT / "nbstream" / name).read_bytes()


def test_wheel_carries_the_tutorials_and_the_demo_answers(wheel):
    for name in ("01_quickstart.ipynb", "02_chat_panel.ipynb"):
        assert wheel[f"nbstream/demo/{name}"] == (ROOT / "notebooks" / name).read_bytes()
    assert any(name.startswith("nbstream/demo/texts/") for name in wheel)


def test_wheel_carries_nothing_else(wheel):
    outside = {name.split("/")[0] for name in wheel} - {"nbstream"}
    assert [name for name in outside if not name.endswith(".dist-info")] == []
