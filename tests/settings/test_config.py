"""Where the values of a call come from, and where a key may go and be seen."""

import copy
import io
import pickle
from contextlib import redirect_stdout

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.request import TimeLimits
from nbstream.settings.config import NBStream, settings
from nbstream.settings.credential import Credential
from nbstream.settings.resolution import resolve
from nbstream.text.secret import Secret

KEY = "sk-test-0123456789abcdef"
LOCAL = "http://localhost:8000/v1"


def resolved(**options):
    return resolve("Hi", **options)


def key_sent(**options):
    key = resolved(model="m", **options).endpoint.api_key
    return key.reveal() if key and key.present else None  # the keyring has not been asked yet


# --- precedence -------------------------------------------------------------------------------------------------------


def test_defaults():
    request = resolved()
    assert (request.model, request.api, request.endpoint.base_url) == (
        "gpt-5-mini",
        "responses",
        "https://api.openai.com/v1",
    )
    assert (request.system, request.temperature, request.max_tokens) == (None, None, None)
    assert request.limits == TimeLimits(connect=10, first_token=120, stall=60)


def test_options_before_settings_before_environment_before_defaults(monkeypatch):
    monkeypatch.setenv("NBSTREAM_MODEL", "of-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://environment:1/v1")
    assert (resolved().model, resolved().endpoint.name) == ("of-environment", "environment:1")
    nbs.configure(model="of-settings", base_url="http://settings:1/v1")
    assert (resolved().model, resolved().endpoint.name) == ("of-settings", "settings:1")
    request = resolved(model="of-option", base_url="http://option:1/v1")
    assert (request.model, request.endpoint.name) == ("of-option", "option:1")


@pytest.mark.parametrize(
    ("name", "setting", "option"),
    [
        ("system", "Be terse.", ""),
        ("temperature", 0.7, 0.0),
        ("max_tokens", 9, 1),
        ("api", "responses", "chat"),
        ("images", "allow", "link"),
    ],
)
def test_an_option_beats_its_setting_also_when_it_is_falsy(name, setting, option):
    nbs.configure(base_url=LOCAL, model="m", **{name: setting})
    assert getattr(resolved(), name) == setting
    assert getattr(resolved(**{name: option}), name) == option


def test_the_api_follows_the_endpoint():
    assert resolved(base_url="https://api.openai.com/v1").api == "responses"
    assert resolved(base_url="https://eu.api.openai.com/v1").api == "responses"
    assert resolved(base_url="https://api.openai.com.evil.example/v1", model="m").api == "chat"
    assert resolved(base_url=LOCAL, model="m").api == "chat"


def test_time_limits():
    nbs.configure(connect_timeout=1, first_token_timeout=2, stall_timeout=3)
    assert resolved().limits == TimeLimits(1, 2, 3)
    assert resolved(timeout=9).limits == TimeLimits(1, 9, 9)


def test_the_demo_needs_nothing_and_takes_no_foreign_key(demo, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    nbs.configure(base_url=LOCAL, api_key=KEY)
    endpoint = resolved(model="demo").endpoint
    assert endpoint.base_url == demo.base_url
    assert endpoint.api_key == Credential(Secret(demo.api_key))


def test_a_demo_model_of_another_server_is_that_servers():
    assert resolved(model="demo", base_url=LOCAL).endpoint.base_url == LOCAL


# --- where a key goes -------------------------------------------------------------------------------------------------


def test_the_environments_key_goes_to_openai_and_to_the_environments_server_only(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    assert key_sent() == KEY
    assert key_sent(base_url=LOCAL) is None
    assert key_sent(base_url="http://api.openai.com/v1") is None, "not without TLS"
    assert key_sent(base_url="https://api.openai.com.evil.example/v1") is None
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert key_sent() == KEY
    assert key_sent(base_url="http://localhost:8000/other") == KEY
    assert key_sent(base_url="http://localhost:8001/v1") is None


def test_the_settings_key_goes_to_the_settings_server_only(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-environment")
    nbs.configure(base_url=LOCAL, api_key=KEY)
    assert key_sent() == KEY
    assert key_sent(base_url="http://evil.example/v1") is None
    assert key_sent(base_url="https://api.openai.com/v1") == "sk-of-environment"


def test_a_key_without_a_server_is_openais(monkeypatch):
    nbs.configure(api_key=KEY)
    assert key_sent() == KEY
    assert key_sent(base_url=LOCAL) is None
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert key_sent() == KEY


def test_a_key_of_the_call_goes_with_the_call():
    nbs.configure(base_url=LOCAL, api_key=KEY)
    assert key_sent(api_key="other\n", base_url="http://elsewhere:1/v1") == "other"


# --- a key is never seen ----------------------------------------------------------------------------------------------


def test_a_secret_shows_a_mask():
    for show in (repr, str, "{}".format, "%s".__mod__):
        assert show(Secret(KEY)) == "<key ending in cdef>"
    assert repr(Secret("short")) == "<key>"
    assert repr([Secret(KEY)]) == "[<key ending in cdef>]"


def test_a_secret_can_be_compared_and_copied_but_not_pickled():
    assert Secret(KEY) == Secret(KEY) != Secret("other")
    assert Secret(KEY) != KEY
    assert hash(Secret(KEY)) == hash(Secret(KEY))
    assert copy.deepcopy(Secret(KEY)) == copy.copy(Secret(KEY)) == Secret(KEY)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(KEY))


def test_a_request_shows_no_key():
    nbs.configure(api_key=KEY)
    assert KEY not in repr(resolved())
    assert KEY not in repr(NBStream.instance().api_key)


@pytest.mark.parametrize(
    "values",
    [
        {"api_key": 12345678},
        {"api_key": " "},
        {"api_key": [KEY]},
        {"api_key": KEY, "model": 5},
        {"api_key": KEY, "no_such_setting": 1},
    ],
)
def test_errors_of_configure_show_no_key(values):
    with pytest.raises(UsageError) as caught:
        nbs.configure(**values)
    assert KEY not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_wrong_setting_changes_nothing():
    nbs.configure(model="before", temperature=0.5)
    with pytest.raises(UsageError):
        nbs.configure(model="after", temperature="warm")
    with pytest.raises(UsageError, match="password"):  # which is seen only when all are set
        nbs.configure(model="after", base_url="http://me:pw@localhost/v1")
    assert settings().base_url is None
    assert (settings().model, settings().temperature) == ("before", 0.5)
    with pytest.raises(
        UsageError, match=r"no such setting: modle; did you mean model\? There are: answer_while_busy, api,"
    ):
        nbs.configure(modle="after")


def test_none_goes_back_to_the_default():
    nbs.configure(model="m", stall_timeout=1, api_key=KEY, surface="static")
    nbs.configure(model=None, stall_timeout=None, api_key=None, surface=None)
    config = settings()
    assert (config.model, config.stall_timeout, config.api_key, config.surface) == (None, 60.0, None, "auto")


# --- %config ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(shell):
    def run(code):
        out = io.StringIO()
        with redirect_stdout(out):
            result = shell.run_cell(code)
        return out.getvalue() + repr(result.result), result

    return run


def test_the_configuration_file_counts(run):
    assert run("pass")[1].success
    assert settings().model == "of-file"


def test_config_sets_and_shows(run):
    run('%config NBStream.model = "m"')
    assert settings().model == "m"
    shown, _ = run("%config NBStream")
    assert "NBStream.model" in shown
    assert "NBStream.stall_timeout" in shown


def test_config_never_shows_a_key(run, shell):
    run(f'%config NBStream.api_key = "{KEY}"')
    assert settings().api_key == Secret(KEY)
    for code in (
        "%config NBStream",
        "%config NBStream.api_key",
        "import nbstream.settings.config\nnbstream.settings.config.settings().config",
    ):
        shown, result = run(code)
        assert result.success
        assert KEY not in shown
        assert "cdef" in shown
    assert KEY not in repr(shell.configurables)


def test_a_key_of_the_configuration_file_is_not_shown_either(run, shell):
    NBStream.clear_instance()
    shell.configurables[:] = [made for made in shell.configurables if not isinstance(made, NBStream)]
    shell.config.NBStream.api_key = KEY
    assert settings().api_key == Secret(KEY)
    for code in ("%config NBStream", "%config NBStream.api_key"):
        assert KEY not in run(code)[0]


def test_config_goes_on_working_once_a_key_is_set(run):
    run(f'%config NBStream.api_key = "{KEY}"')
    run('%config NBStream.model = "later"')
    run("%config NBStream.temperature = 0.5")
    assert (settings().model, settings().temperature, settings().api_key) == ("later", 0.5, Secret(KEY))


def test_config_refuses_what_does_not_fit(run, caplog):
    run("%config NBStream.stall_timeout = 'x'")
    run("%config NBStream.api_key = 12345678")
    assert (settings().stall_timeout, settings().api_key) == (60.0, None)
    assert "expected a float" in caplog.text
    assert "must be a string with the key" in caplog.text
    assert "12345678" not in caplog.text


# --- addresses and values that cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["localhost", "ftp://host/v1", "http://host:99999/v1", "http://[::1", "http://", f"http://me:{KEY}@host/v1"]
)
def test_an_impossible_address_is_refused_without_being_repeated(url):
    with pytest.raises(UsageError, match="the base URL") as caught:
        resolved(model="m", base_url=url)
    assert KEY not in str(caught.value)
    with pytest.raises(UsageError, match="the base URL"):
        nbs.configure(base_url=url)


@pytest.mark.parametrize("values", [{"timeout": "5"}, {"max_tokens": "5"}, {"api": "chatty"}, {"timeout": -1}])
def test_a_value_of_the_wrong_kind_is_a_usage_error(values):
    with pytest.raises(UsageError):
        resolved(model="m", base_url=LOCAL, **values)


def test_an_impossible_pace_of_the_demo_is_a_usage_error(monkeypatch):
    monkeypatch.setenv("NBSTREAM_DEMO_PACE", "warp")
    monkeypatch.setattr("nbstream.demo.server._Process.server", None)
    with pytest.raises(UsageError, match="warp"):
        resolved(model="demo")


def test_a_usage_error_shows_no_frames_of_nbstream_where_a_key_is_a_local_variable():
    with pytest.raises(UsageError) as caught:
        nbs.configure(api_key=KEY, modell="x")
    *frames, message = caught.value._render_traceback_()
    assert KEY not in message
    assert len(frames) == 1
    assert __file__ in frames[0]


def test_a_key_set_by_config_is_nowhere_in_the_shells_own_settings(shell):
    shell.run_line_magic("load_ext", "nbstream")
    shell.run_line_magic("config", f"NBStream.api_key = {KEY!r}")
    shell.run_line_magic("config", "NBStream.stall_timeout = 5")
    assert settings().api_key == Secret(KEY)
    for holder in (shell, *shell.configurables):
        assert KEY not in repr(holder.config)
