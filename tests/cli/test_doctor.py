"""What the doctor finds, against real servers: the settings that apply, their sources, whether anyone answers."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
from importlib import metadata

import pytest

from nbstream import __version__
from nbstream.cli import doctor
from nbstream.cli.commands import main
from nbstream.settings.config import NBStream
from nbstream.settings.provenance import find_setup
from nbstream.settings.target import resolve_target

KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def examine(capsys):
    """Run the doctor; its exit status and its sections, each as lines of words."""

    def examine(*arguments):
        status = main(["doctor", *arguments])
        out, err = capsys.readouterr()
        assert err == ""
        assert KEY not in out
        titles, sections = zip(*(section.split("\n", 1) for section in out.strip().split("\n\n")), strict=True)
        assert [title.split()[0] for title in titles] == ["Versions", "Front", "Settings", "Endpoint"]
        return status, [[" ".join(line.split()) for line in section.splitlines()] for section in sections]

    return examine


@pytest.fixture
def profile(monkeypatch, tmp_path):
    """Write a file of the default IPython profile."""

    def profile(text, name="ipython_config.py"):
        folder = tmp_path / "ipython" / "profile_default"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return profile


@pytest.fixture
def refused():
    """The address of a port that nobody listens on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"


def listing(*names):
    return json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


# --- versions and front ends ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_versions(examine, monkeypatch):
    installed = metadata.version

    def version(package):
        if package == "notebook":
            raise metadata.PackageNotFoundError(package)
        return installed(package)

    monkeypatch.setattr(metadata, "version", version)
    _, (versions, *_) = examine("-m", "demo")
    found = {line.split()[0]: line.split(maxsplit=1)[1] for line in versions}
    assert found["nbstream"] == __version__
    assert found["Python"].startswith(".".join(map(str, sys.version_info[:3])))
    library = "httpx2" if int(installed("openai").partition(".")[0]) >= 3 else "httpx"
    assert found["openai"] == f"{installed('openai')} on {library} {installed(library)}"
    assert found["jupyter_client"] == installed("jupyter_client")
    assert found["notebook"] == "not installed"


@pytest.mark.parametrize(
    ("version", "answer", "why"),
    [
        ("7.0.1", "yes", "Stop works while a cell is busy"),
        ("10.0", "yes", "Stop works while a cell is busy"),
        ("6.30.1", "no", "interrupt button"),
        ("not installed", "unknown", "pip install ipykernel"),
    ],
)
def test_subshells_decide_what_stop_can_do(version, answer, why, monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda _: version)
    found = {row[0]: row[1:] for row in doctor.front_ends()}
    assert found["subshells"][0] == answer
    assert why in found["subshells"][1]


def test_a_missing_widget_extension_is_named(monkeypatch, tmp_path):
    extension = tmp_path / "@jupyter-widgets" / "jupyterlab-manager"
    extension.mkdir(parents=True)
    (extension / "package.json").touch()
    monkeypatch.setattr(doctor, "lab_extension_folders", lambda: [tmp_path / "none", tmp_path])
    widgets = doctor.front_ends()[0]
    assert widgets[1] == "missing"
    assert "pip install anywidget where" in widgets[2]
    (tmp_path / "anywidget").mkdir()
    (tmp_path / "anywidget" / "package.json").touch()
    assert doctor.front_ends()[0][1] == "installed"


def test_the_extensions_of_this_environment_are_found():
    shared = pathlib.Path(sys.prefix, "share", "jupyter", "labextensions")
    assert shared in doctor.lab_extension_folders()
    assert (doctor.front_ends()[0][1] == "installed") is (shared / "anywidget" / "package.json").exists()


# --- settings ---------------------------------------------------------------------------------------------------------


def test_each_setting_says_where_it_comes_from(examine, loopback, profile, monkeypatch):
    loopback.send(listing("m"), headers={"content-type": "application/json"})
    profile("c.NBStream.stall_timeout = 5\nc.NBStream.api = 'responses'\nc.NBStream.surface = 'static'")
    monkeypatch.setenv("OPENAI_BASE_URL", loopback.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    status, (_, _, settings, endpoint) = examine("-m", "m")
    assert settings == [
        f"endpoint {loopback.base_url} OPENAI_BASE_URL",
        "model m --model",
        "api responses IPython profile",
        "key <key ending in ghij> OPENAI_API_KEY",
        "connect_timeout 10 s default",
        "first_token_timeout 120 s default",
        "stall_timeout 5 s IPython profile",
        "surface 'static' IPython profile",
        "total_timeout 14400 s default",
    ]
    assert status == 0
    assert endpoint[1] == "models 1, m among them"
    assert loopback.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("option", "setting", "variable", "source"),
    [
        ("a", "b", "c", "--model"),
        (None, "b", "c", "IPython profile"),
        (None, None, "c", "NBSTREAM_MODEL"),
        (None, None, None, "default"),
        ("a", "a", "a", "--model"),
    ],
)
def test_the_source_is_that_of_the_value_which_applies(option, setting, variable, source, profile, monkeypatch):
    if setting:
        profile(f"c.NBStream.model = {setting!r}")
    if variable:
        monkeypatch.setenv("NBSTREAM_MODEL", variable)
    setup = find_setup(model=option)
    assert {name: rest for name, *rest in setup.rows}["model"] == [setup.model, source]
    assert setup.target == resolve_target(NBStream(model=setting), model=option)


def test_the_kernels_own_profile_file_wins_and_keys_stay_hidden(examine, profile, refused):
    profile(f"c.NBStream.base_url = {refused!r}\nc.NBStream.model = 'a'\nc.NBStream.api_key = {KEY!r}")
    profile("c.NBStream.model = 'b'", "ipython_kernel_config.py")
    _, (_, _, settings, _) = examine()
    assert settings[0] == f"endpoint {refused} IPython profile"
    assert settings[1] == "model b IPython profile"
    assert settings[3] == "key <key ending in ghij> IPython profile"


@pytest.mark.usefixtures("demo")
def test_a_broken_profile_file_is_left_out_as_ipython_does(examine, profile, tmp_path):
    profile(f"c.NBStream.model = 'a'\nraise ValueError({KEY!r})")
    status, (_, _, settings, _) = examine("-m", "demo")
    file = tmp_path / "ipython" / "profile_default" / "ipython_config.py"
    assert settings[-1] == f"problem {file} is left out: it raises ValueError"
    assert status == 0


@pytest.mark.parametrize(
    ("text", "arguments", "reason"),
    [
        ("c.NBStream.model = 3", [], "the 'model' trait"),
        ("", ["--base-url", "localhost"], "the base URL must look like http://host:port/v1; this one lacks http://"),
    ],
)
def test_settings_that_lead_nowhere(text, arguments, reason, examine, profile):
    profile(text)
    status, (_, _, settings, endpoint) = examine(*arguments)
    assert settings[0].lower().startswith(f"problem {reason}".lower())
    assert endpoint == ["not asked the settings name no endpoint"]
    assert status == 1


@pytest.mark.usefixtures("demo")
def test_looking_leaves_no_folder_behind(examine, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "never"))
    examine("-m", "demo")
    assert list(tmp_path.iterdir()) == []


# --- the endpoint -----------------------------------------------------------------------------------------------------


def test_the_demo_model_answers(examine, demo):
    status, (_, _, settings, endpoint) = examine("-m", "demo")
    assert status == 0
    assert settings[0] == f"endpoint {demo.base_url} the demo model"
    assert settings[3].endswith("the demo model")
    assert demo.api_key not in " ".join(settings)
    assert re.fullmatch(r"nbstream-demo answers, in \d+\.\d\d s", endpoint[0])
    assert endpoint[1] == "models 1, demo among them"


def test_a_model_that_the_server_lacks(examine, demo, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", demo.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", demo.api_key)
    status, (_, _, _, endpoint) = examine("-m", "gpt-5-mini")
    assert (status, endpoint[1]) == (0, "models 1, without gpt-5-mini: demo")


def test_a_server_can_be_asked_before_a_model_is_chosen(examine, loopback):
    loopback.send(listing(*"fedcba"), headers={"content-type": "application/json"})
    status, (_, _, settings, endpoint) = examine("--base-url", loopback.base_url)
    assert status == 0
    assert settings[-1].startswith("problem no model given for 127.0.0.1:")
    assert endpoint[1] == "models 6: a, b, c, d, e, …"
    assert loopback.requests[0].path == "/v1/models"


def test_a_wrong_key_is_refused_and_not_shown(examine, demo, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", demo.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    status, (_, _, _, endpoint) = examine("-m", "m")
    assert status == 1
    assert "answered 401" in endpoint[0]


def test_a_key_for_another_server_is_not_sent(examine, loopback, monkeypatch):
    loopback.send(listing(), headers={"content-type": "application/json"})
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    status, (_, _, settings, endpoint) = examine("-m", "m", "--base-url", loopback.base_url)
    assert settings[3] == "key none the key in OPENAI_API_KEY is not for this endpoint"
    assert (status, endpoint[1]) == (0, "models 0, without m")
    assert KEY not in str(loopback.requests[0])


def test_with_nothing_set_it_names_three_ways_on(examine):
    status, (_, _, settings, endpoint) = examine()
    assert status == 1
    assert settings[0] == "endpoint https://api.openai.com/v1 default"
    assert settings[3] == "key none not set"
    assert all(way in endpoint[0] for way in ("No key", "OPENAI_API_KEY", "--base-url URL", "-m demo"))


def test_nobody_listens(examine, refused):
    status, (_, _, _, endpoint) = examine("-m", "m", "--base-url", refused)
    assert status == 1
    assert endpoint == [
        f"{refused[7:-3]} No connection to {refused[7:-3]} ({_reason(endpoint)}). Is the server running?"
    ]


def _reason(endpoint):
    return endpoint[0].split("(")[1].split(")")[0]


def test_silence_is_not_waited_for(examine, loopback):
    loopback.send(then="hold")
    started = time.monotonic()
    status, (_, _, _, endpoint) = examine("-m", "m", "--base-url", loopback.base_url, "--timeout", "0.2")
    assert status == 1
    assert time.monotonic() - started < 60, "the server says nothing for ever"
    assert endpoint[0].endswith("No answer within 0.2 s. Check the base URL and the network.")


@pytest.mark.parametrize(
    ("body", "how", "words"),
    [
        ("<html>Welcome</html>", {}, "something that is not a list of models"),
        ('{"data": 3}', {}, "something that is not a list of models"),
        ("<html>Lost</html>", {"status": 404}, "has no /models (404). Check the base URL"),
        ('{"error": {"message": "down\\u001b[2J"}}', {"status": 503}, "answered 503: down␛[2J."),
    ],
)
def test_an_answer_that_is_none(body, how, words, examine, loopback):
    loopback.send(body, headers={"content-type": "application/json" if body[0] == "{" else "text/html"}, **how)
    status, (_, _, _, endpoint) = examine("-m", "m", "--base-url", loopback.base_url)
    assert status == 1
    assert words in endpoint[0]
    assert len(endpoint) == 1


def test_a_query_in_the_address_is_not_shown(examine, refused):
    status, (_, _, settings, _) = examine("-m", "m", "--base-url", f"{refused}?key={KEY}")
    assert (status, settings[0]) == (1, f"endpoint {refused} --base-url")


def test_a_password_in_the_address_is_refused_without_being_shown(examine, refused):
    status, (_, _, settings, _) = examine("-m", "m", "--base-url", refused.replace("127", f"me:{KEY}@127"))
    assert (status, settings[0][:43]) == (1, "problem the base URL contains a password; g")


def test_as_a_process_on_a_console_that_knows_only_ascii():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "OPENAI_API_KEY": f"{KEY}…"}
    program = [sys.executable, "-W", "error", "-m", "nbstream", "doctor"]
    asked = subprocess.run([*program, "-m", "demo"], env=environment, capture_output=True, text=True, check=False)
    assert (asked.returncode, asked.stderr) == (0, "")
    refused = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr) == (1, "")
    assert "nothing was sent" in refused.stdout
    assert KEY not in refused.stdout
