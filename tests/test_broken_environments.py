"""Environments in which no request can be made, or only just: the magic, Python and the doctor say which variable."""

from __future__ import annotations

import importlib
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import openai
import pytest
from IPython.core.error import UsageError as IPythonUsageError

import nbstream as nbs
from nbstream.cli.commands import main
from nbstream.errors import UnreachableError, UsageError
from nbstream.remedies import RemedyKind
from nbstream.request import Endpoint, Target
from nbstream.testing import chat_body
from nbstream.text.place import Place
from nbstream.transport.clients import new_client
from nbstream.transport.surroundings import obstacle
from nbstream.transport.translate import translated
from tests.locked import locked

if TYPE_CHECKING:
    import pathlib

    from nbstream.testing import FaultServer

pytestmark = pytest.mark.sdk

KEY = "sk-0123456789abcdefghij"
SECRET = "hunter2-hunter2-hunter2"
ON_HTTPX = int(openai.__version__.split(".")[0]) < 3
NOBODY = "http://127.0.0.1:9"  # the discard port, where nothing listens


class Broken(NamedTuple):
    variables: dict[str, str]
    words: tuple[str, ...]


def of_files(folder: str) -> dict[str, Broken]:
    return {
        "certificates that are gone": Broken(
            {"SSL_CERT_FILE": f"{folder}/gone.pem"}, ("SSL_CERT_FILE", "gone.pem, which does not exist")
        ),
        "certificates in a folder": Broken({"SSL_CERT_FILE": folder}, ("SSL_CERT_FILE", "is a folder")),
        "an empty file": Broken({"SSL_CERT_FILE": f"{folder}/empty"}, ("SSL_CERT_FILE", "holds no certificates")),
        "a file of something else": Broken({"SSL_CERT_FILE": f"{folder}/words"}, ("SSL_CERT_FILE", "no certificates")),
        "a log of keys that cannot be written": Broken(
            {"SSLKEYLOGFILE": f"{folder}/gone/keys", "SSL_CERT_DIR": folder}, ("SSLKEYLOGFILE", "cannot be written")
        ),
    }


SOCKS = ("SOCKS proxy", "pip install socksio", "correct or unset")
NO_PROXY = ("NO_PROXY holds", "correct or unset NO_PROXY") if ON_HTTPX else ("No connection to model.test",)
OTHERS = {
    "SOCKS": Broken({"ALL_PROXY": "socks5://127.0.0.1:9"}, ("ALL_PROXY", *SOCKS)),
    "SOCKS with names": Broken({"https_proxy": f"socks5h://me:{SECRET}@127.0.0.1:9"}, ("https_proxy", *SOCKS)),
    "an old SOCKS": Broken(
        {"ALL_PROXY": f"socks4://me:{SECRET}@127.0.0.1:9"}, ("ALL_PROXY", "not hold the address of a proxy")
    ),
    "a proxy of another kind": Broken(
        {"HTTP_PROXY": "ftp://127.0.0.1"}, ("HTTP_PROXY", "not hold the address of a proxy")
    ),
    "half an address": Broken({"HTTP_PROXY": "http://[::1"}, ("HTTP_PROXY", "not hold the address of a proxy")),
    "a port in words": Broken(
        {"http_proxy": f"http://me:{SECRET}@x:port"}, ("http_proxy", "not hold the address of a proxy")
    ),
    "a line break in a proxy": Broken(
        {"HTTP_PROXY": "http://a\nb:1"}, ("HTTP_PROXY", "not hold the address of a proxy")
    ),
    "a proxy that is not there": Broken({"HTTP_PROXY": NOBODY}, ("No connection", "correct or unset HTTP_PROXY")),
    "IPv6 without a proxy": Broken({"NO_PROXY": "localhost,[::1]", "HTTP_PROXY": NOBODY}, NO_PROXY),
    "a network without a proxy": Broken({"NO_PROXY": "fe80::/10", "HTTP_PROXY": NOBODY}, NO_PROXY),
    "a port that is none": Broken(
        {"HTTP_PROXY": f"http://me:{SECRET}@127.0.0.1:99999"}, ("HTTP_PROXY", "not hold the address of a proxy")
    ),
    "a host that is none": Broken(
        {"OPENAI_BASE_URL": "http://model\u2013x.test/v1"},
        ("model\u2013x.test", "no host can have this name", "base URL"),
    ),
    "an address in two pieces": Broken({"OPENAI_BASE_URL": "http://a b/v1"}, ("OPENAI_BASE_URL contains a space",)),
    "an address in two lines": Broken(
        {"OPENAI_BASE_URL": "http://a\n/v1"}, ("OPENAI_BASE_URL contains", "a line break")
    ),
    "an address in quotes": Broken({"OPENAI_BASE_URL": '"http://a/v1"'}, ("OPENAI_BASE_URL must look like",)),
    "no address": Broken({"OPENAI_BASE_URL": "http://["}, ("OPENAI_BASE_URL must look like",)),
    "a key in two lines": Broken(
        {"OPENAI_API_KEY": f"{KEY}\n{SECRET}"}, ("The key for model.test holds a line break",)
    ),
    "a key in quotes": Broken({"OPENAI_API_KEY": f'"{KEY}"'}, ("The key for model.test holds", "quotes")),
    "an organisation in two lines": Broken({"OPENAI_ORG_ID": f"a\n{SECRET}"}, ("unset OPENAI_ORG_ID",)),
    "a project with an ellipsis": Broken({"OPENAI_PROJECT_ID": f"{SECRET}…"}, ("unset OPENAI_PROJECT_ID",)),
    "a header that is none": Broken({"OPENAI_CUSTOM_HEADERS": f"a b: {SECRET}"}, ("unset OPENAI_CUSTOM_HEADERS",)),
    "a header with an ellipsis": Broken({"OPENAI_CUSTOM_HEADERS": f"a: {SECRET}…"}, ("OPENAI_CUSTOM_HEADERS",)),
}
NAMES = [*of_files(""), *OTHERS]


@pytest.fixture(params=NAMES)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Broken:
    (tmp_path / "empty").touch()
    (tmp_path / "words").write_text("no certificate")
    made = {**of_files(str(tmp_path)), **OTHERS}[request.param]
    surroundings = {"OPENAI_BASE_URL": "http://model.test/v1", "OPENAI_API_KEY": KEY, "NBSTREAM_MODEL": "m"}
    for name, value in {**surroundings, **made.variables}.items():
        monkeypatch.setenv(name, value)
    return made


def told(broken: Broken, said: str) -> None:
    for words in broken.words:
        assert words.lower() in said.lower()
    for never in (SECRET, KEY, "report", "itself"):
        assert never not in said


def test_in_python(broken: Broken) -> None:
    with pytest.raises((nbs.StreamError, UsageError)) as caught:
        nbs.stream("Hi", display=False, max_retries=0)
    told(broken, str(caught.value))
    assert caught.value.__cause__ is None


def test_in_a_cell(broken: Broken, shell: Any) -> None:
    shell.config.NBStream.model = None
    with pytest.raises((nbs.StreamError, IPythonUsageError)) as caught:
        shell.run_cell_magic("stream", "-m m --quiet --max-retries 0", "Hi")
    told(broken, str(caught.value))


def test_by_the_doctor(broken: Broken, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    told(broken, " ".join(out.split()))


@pytest.mark.parametrize("around", ["{}\n", " {} ", "\t{}\r\n", "{}/", "{}/chat/completions", "{}/chat/completions/ "])
def test_white_space_and_a_path_around_an_address_do_no_harm(
    around: str, loopback: FaultServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback.send(chat_body("Hi"))
    address = around.format(loopback.base_url)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1\n")
    for given in (None, address):
        assert nbs.stream("Hi", model="m", base_url=given, display=False).text == "Hi"
    nbs.configure(base_url=address)
    assert nbs.stream("Hi", model="m", display=False).text == "Hi"
    assert {request.path for request in loopback.requests} == {"/v1/chat/completions"}
    assert {request.headers["openai-organization"] for request in loopback.requests} == {"org-1"}
    main(["doctor", "-m", "m"])
    assert "OPENAI_BASE_URL" in capsys.readouterr().out.split("Settings")[1].splitlines()[1]


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_variable_without_a_value_is_not_set(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "NBSTREAM_MODEL"):
        monkeypatch.setenv(name, blank)
    with pytest.raises(nbs.StreamError, match=r"No key for api\.openai\.com"):
        nbs.stream("Hi", display=False)


def test_a_local_server_is_reached_whatever_is_wrong_with_the_way_out(
    loopback: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SSL_CERT_FILE": "/none", "ALL_PROXY": "socks5://x:1", "NO_PROXY": "[::1]"}.items():
        monkeypatch.setenv(name, value)
    loopback.send(chat_body("Hi"))
    assert nbs.stream("Hi", model="m", base_url=loopback.base_url, display=False).text == "Hi"


def test_what_is_wrong_with_no_variable_is_said_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(openai, "DefaultAsyncHttpxClient", fails)
    with pytest.raises(nbs.StreamError, match=r"can be made: the HTTP library raised RuntimeError") as caught:
        new_client(Endpoint("http://model.test/v1"))
    assert SECRET not in str(caught.value)


def test_only_a_name_that_no_host_can_have_is_called_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def half_imported(**_: object) -> None:
        raise AttributeError("partially initialized module 'httpx2' has no attribute 'URL'")

    monkeypatch.setattr(openai, "AsyncOpenAI", half_imported)
    with pytest.raises(nbs.StreamError, match=r"the HTTP library raised AttributeError"):
        new_client(Endpoint("http://model.test/v1"))


def test_both_http_libraries_are_imported_before_the_sdk_looks_for_them(tmp_path: pathlib.Path) -> None:
    other = "httpx2" if ON_HTTPX else "httpx"
    (tmp_path / f"{other}.py").write_text("raise AttributeError('half an installation')")
    for folders, expected in (([], True), ([str(tmp_path)], False)):
        program = (
            f"import sys; sys.path[:0] = {folders}; import nbstream.transport.clients; print('{other}' in sys.modules)"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == str(expected)


def test_advice_fits_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://x:1")
    with pytest.raises(nbs.StreamError) as caught:
        new_client(Endpoint("http://model.test/v1"))
    assert [each.kind for each in caught.value.remedies] == [RemedyKind.INSTALL, RemedyKind.CHECK_VARIABLE]
    assert "%pip install socksio" in caught.value.told(Place.CELL)
    assert "(pip install socksio)" in caught.value.told(Place.TERMINAL)


def test_nothing_is_wrong_with_an_ordinary_environment() -> None:
    assert obstacle({"HTTPS_PROXY": "http://proxy:3128", "all_proxy": "proxy:3128", "SSL_CERT_DIR": "/none"}) is None


def test_a_file_that_may_not_be_read(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "locked.pem"
    file.touch()
    with locked(file, 0o000):
        found = obstacle({"SSL_CERT_FILE": str(file)})
    assert found is not None
    assert found.happened.endswith("which cannot be read")


def test_a_local_server_that_speaks_tls_needs_the_certificates_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/none")
    with pytest.raises(UnreachableError, match="SSL_CERT_FILE names /none, which does not exist"):
        new_client(Endpoint("https://localhost:8000/v1"))
    new_client(Endpoint("http://localhost:8000/v1"))


def test_certificates_are_read_once_for_all_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    library = importlib.import_module("httpx" if ON_HTTPX else "httpx2")
    making = mock.Mock(wraps=library.create_ssl_context)
    monkeypatch.setattr(library, "create_ssl_context", making)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))  # none have been read in such an environment
    for address in ("https://model.test/v1", "https://other.test/v1", "http://localhost:8000/v1"):
        new_client(Endpoint(address))
    making.assert_called_once()


def test_a_certificate_that_the_named_authorities_have_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/own.pem")
    refused: Any = ssl.SSLCertVerificationError(1, "certificate verify failed")
    refused.verify_message = "self-signed certificate"
    request: Any = None
    for server, kind in (("model.test", "check_variable"), ("localhost", "check_certificate")):
        target = Target(endpoint=Endpoint(f"https://{server}/v1"), api="chat")
        with pytest.raises(UnreachableError, match="is not accepted: self-signed") as caught, translated(target):
            raise openai.APIConnectionError(request=request) from refused
        assert [remedy.kind for remedy in caught.value.remedies] == [kind]
        assert not caught.value.retryable
