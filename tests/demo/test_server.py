"""The server's life: one thread, one port, nothing left behind, and what it remembers of its clients."""

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import openai
import psutil
import pytest

from nbstream.demo import DemoServer, Pace, demo_server

FAST = Pace(0, 1e6)
SLOW = Pace(0, 1)  # a token a second: an answer that no test waits for
LONG = [{"role": "user", "content": "long"}]


def open_client(server):
    return openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=60)


def run(program):
    """Run a program in a fresh interpreter; what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_models(client, ask):
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").owned_by == "nbstream"
    assert ask("/v1/models/gpt-5").status == 404


def test_it_listens_on_loopback_only(server):
    assert urlsplit(server.base_url).hostname == "127.0.0.1"
    port = urlsplit(server.base_url).port
    sockets = psutil.Process().net_connections(kind="inet")
    assert {each.laddr.ip for each in sockets if each.laddr.port == port and each.status == "LISTEN"} == {"127.0.0.1"}


def test_start_and_stop_may_be_repeated():
    server = DemoServer(FAST)
    assert server.start() is server.start()
    address = server.base_url
    assert server.base_url == address
    server.stop()
    server.stop()
    assert not server.running
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    with server, open_client(server) as client:
        assert client.models.retrieve("demo").id == "demo"


def test_stop_leaves_no_thread_and_no_port():
    before = set(threading.enumerate())
    server = DemoServer(FAST).start()
    address = urlsplit(server.base_url)
    assert [thread.daemon for thread in set(threading.enumerate()) - before] == [True]
    server.stop()
    assert set(threading.enumerate()) == before
    with socket.socket() as probe:
        assert probe.connect_ex((address.hostname, address.port)) != 0


def test_stop_ends_open_streams():
    server = DemoServer(SLOW).start()
    with open_client(server) as client:
        stream = client.chat.completions.create(model="demo", messages=LONG, stream=True)
        next(iter(stream))
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 60, "the answer takes minutes"
        with stream, pytest.raises(Exception, match=r"."):  # the SDK's own error or the HTTP library's
            list(stream)


def test_the_key_is_shown_nowhere():
    server = DemoServer(FAST)
    assert server.api_key not in repr(server)
    with server:
        assert server.api_key not in repr(server)
        assert server.base_url in repr(server)
    assert server.api_key != DemoServer(FAST).api_key


def test_requests_are_remembered_without_their_secrets():
    with DemoServer(FAST) as server, open_client(server) as client:
        client.chat.completions.create(model="demo", messages=LONG)
        with client.responses.create(model="demo", input="private words", stream=True) as stream:
            list(stream)
        first, second = server.requests
        assert second.ended.wait(60)
    assert (first.path, first.model, first.stream, first.state) == ("/v1/chat/completions", "demo", False, "finished")
    assert (second.path, second.model, second.stream, second.state) == ("/v1/responses", "demo", True, "finished")
    assert "private words" not in repr(second)
    assert server.api_key not in repr(second)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_is_noticed(stream):
    """Whether it leaves in the middle of a stream or while it waits for a whole answer."""
    with DemoServer(SLOW) as server:
        body = (
            b'{"model":"demo","stream":%s,"messages":[{"role":"user","content":"long"}]}' % str(stream).lower().encode()
        )
        address = urlsplit(server.base_url)
        with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
            connection.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                + server.api_key.encode()
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body,
            )
            if stream:
                assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
            else:  # a second request is answered, so the first one has been read
                with open_client(server) as client:
                    client.models.list()
        record = server.requests[0]
        assert record.ended.wait(60)
        assert record.state == "client_closed"


def test_many_streams_at_once(server):
    def ask(number):
        with open_client(server) as client, client.responses.stream(model="demo", input=f"count to {number}") as stream:
            return stream.get_final_response().output_text.split()[-1]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(100, 116))) == [str(number) for number in range(100, 116)]


def test_a_request_sets_its_own_pace(client):
    answer = {"model": "demo", "messages": LONG, "max_tokens": 20}
    started = time.monotonic()
    client.chat.completions.create(**answer, extra_body={"demo": {"first_token": 0.2, "tokens_per_second": 200}})
    assert time.monotonic() - started > 0.3


def test_the_process_has_one_shared_server(monkeypatch):
    demo_server().stop()  # that of another test
    monkeypatch.setenv("NBSTREAM_DEMO_PACE", "instant")
    with ThreadPoolExecutor(4) as threads:
        servers = set(threads.map(lambda _: demo_server(), range(16)))
    (server,) = servers
    try:
        assert server.running
        assert server.pace == Pace.parse("instant")
    finally:
        server.stop()
    again = demo_server()
    assert again is not server
    assert again.running
    again.stop()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_gets_a_server_of_its_own():
    program = """
import http.client, os, warnings
from urllib.parse import urlsplit
from nbstream.demo import demo_server

def models(server):
    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=60)
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {server.api_key}"})
    status = connection.getresponse().status
    connection.close()
    return status

parent = demo_server()
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of every fork of a process with threads
child = os.fork()
if child == 0:
    mine = demo_server()
    fresh = mine is not parent and mine.api_key != parent.api_key and not parent.running
    os._exit(0 if fresh and models(mine) == 200 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(models(parent), demo_server() is parent)
"""
    assert run(program) == "200 True"


def test_the_process_ends_while_the_server_runs():
    assert run("from nbstream.demo import demo_server; print(demo_server().running)") == "True"


def test_the_import_is_cheap():
    program = """
import sys, nbstream.demo
print([name for name in ("openai", "tornado", "ipywidgets", "anywidget", "IPython") if name in sys.modules])
"""
    assert run(program) == "[]"
