"""Every control of the fault server, as a client sees it that reads bare bytes."""

import math
import socket
import sys
import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from nbstream.testing import Answer, FaultServer

PATIENCE = 60.0
ENDINGS = ["end", "close", "reset"]


def fault_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("fault-server")]


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_each_piece_is_one_chunk(loopback, client):
    loopback.send("Hé", b"\xff\x00", "", "!")
    client.ask()
    assert client.head() == [
        "HTTP/1.1 200 Scripted",
        "content-type: text/event-stream",
        "transfer-encoding: chunked",
    ]
    assert client.chunks() == [b"H\xc3\xa9", b"\xff\x00", b"!"]


def test_without_chunks_the_connection_is_the_frame(loopback, client):
    loopback.send("a", "b", chunked=False)
    client.ask()
    assert client.head()[1:] == ["content-type: text/event-stream", "connection: close"]
    assert client.rest() == b"ab"


def test_a_content_length_is_the_frame(loopback, client):
    loopback.send("ab", headers={"Content-Length": "2", "Content-Type": "text/plain"}, status=418)
    for _ in range(2):
        client.ask()
        assert client.head() == ["HTTP/1.1 418 Scripted", "content-type: text/plain", "content-length: 2"]
        assert client.exactly(2) == b"ab"
    assert loopback.connections == 1


def test_a_body_that_is_cut_falls_short_of_its_content_length(loopback, client):
    loopback.send("abcdef", headers={"content-length": "6"}, cut=3)
    client.ask().head()
    assert client.rest() == b"abc"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_announces_none(loopback, client, status):
    loopback.send(status=status)
    assert "transfer-encoding: chunked" not in client.ask().head()
    assert client.rest() == b""


def test_the_head_can_be_any_bytes(loopback, client):
    loopback.send("body", head=b"HTTP/0.9 what\r\n: ?\r\n\r\n")
    assert client.ask().rest() == b"HTTP/0.9 what\r\n: ?\r\n\r\nbody"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the segments of a connection")
@pytest.mark.parametrize(
    ("options", "segments"),
    [
        ({}, [b"abcd", b"efgh"]),
        ({"split": [1, 3, 6]}, [b"a", b"bc", b"d", b"ef", b"gh"]),
        ({"split": [4, 99], "cut": 7}, [b"abcd", b"efg"]),
        ({"drip": (3, 0)}, [b"abc", b"d", b"efg", b"h"]),
        ({"drip": (1, 0), "split": [2]}, [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"]),
    ],
)
@pytest.mark.parametrize("chunked", [True, False])
def test_each_part_travels_on_its_own(loopback, client, options, segments, chunked):
    loopback.send("abcd", "efgh", chunked=chunked, **options)
    client.ask().head()
    assert (client.chunks() if chunked else [client.rest()]) == (segments if chunked else [b"".join(segments)])
    assert client.segments == 1 + len(segments) + chunked


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 5, 8, 99])
@pytest.mark.parametrize("then", ENDINGS)
def test_cut_at_any_byte_with_any_end(loopback, client, then, cut):
    loopback.send("abcd", "efgh", cut=cut, then=then, drip=(1, 0))
    client.ask().head()
    expected = [bytes([byte]) for byte in b"abcdefgh"[:cut]]
    if then == "end":
        assert client.chunks() == expected
        assert client.silent, "the connection can be used again"
    else:
        raw = client.rest() if then == "close" else client.rest_until_reset()
        assert raw == b"".join(b"1\r\n%b\r\n" % part for part in expected)


def test_a_reset_comes_after_the_last_byte_also_for_a_slow_reader(loopback, client):
    body = bytes(range(256)) * 4096
    loopback.send(body, chunked=False, then="reset")
    client.ask().head()
    assert client.rest_until_reset() == body


def test_hold_lasts_until_the_client_leaves(loopback, client):
    loopback.send("abc", then="hold")
    client.ask().head()
    assert client.read_until(b"abc\r\n")
    assert client.silent
    assert not loopback.client_left.is_set()
    client.leave()
    assert loopback.client_left.wait(60)
    assert loopback.requests[0].client_left.is_set()
    assert not loopback.requests[0].answered.is_set()


# --- when it is sent --------------------------------------------------------------------------------------------------


def test_a_piece_waits_for_its_event(loopback, client):
    go_on = threading.Event()
    loopback.send("a", go_on, "b")
    client.ask().head()
    assert client.read_until(b"a\r\n") == b"1\r\na\r\n"
    assert client.silent
    go_on.set()
    assert client.chunks() == [b"b"]


def test_an_event_can_be_waited_for_again(loopback, client):
    go_on = threading.Event()
    loopback.send(go_on, "a")
    for _ in range(3):
        client.ask().head()
        assert client.silent
        go_on.set()
        assert client.chunks() == [b"a"]
        go_on.clear()


@pytest.mark.parametrize("kind", [threading.Event, lambda: math.inf])
def test_the_head_waits(loopback, client, kind):
    gate = kind()
    loopback.send("a", before_head=gate)
    client.ask()
    loopback.wait(requests=1)
    assert client.silent
    if isinstance(gate, threading.Event):
        gate.set()
        assert client.head()[0] == "HTTP/1.1 200 Scripted"


def test_a_drip_takes_its_time(loopback, client):
    loopback.send("abcde", "fg", drip=(2, 0.05))
    started = time.monotonic()
    client.ask().head()
    assert client.chunks() == [b"ab", b"cd", b"e", b"fg"]
    assert time.monotonic() - started >= 0.1  # two pauses, both within the first piece


def test_a_pause_between_pieces(loopback, client):
    loopback.send("a", 0.05, "b")
    started = time.monotonic()
    client.ask().head()
    assert client.chunks() == [b"a", b"b"]
    assert time.monotonic() - started >= 0.05


SLOW: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "drip": (("abc",), {"drip": (1, 3600)}),
    "pause": (("a", 3600.0, "b"), {}),
    "endless pause": (("a", math.inf), {}),
    "event": (("a", threading.Event()), {}),
    "hold": (("a",), {"then": "hold"}),
    "before the head": ((), {"before_head": 3600.0}),
    "a client that does not read": ((b"x" * 50_000_000,), {}),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_client_that_leaves_is_noticed_at_once(loopback, client, name):
    pieces, options = SLOW[name]
    loopback.send(*pieces, **options)
    client.ask()
    loopback.wait(requests=1)
    client.leave()
    loopback.wait(left=1, timeout=PATIENCE)


@pytest.mark.parametrize("name", SLOW)
def test_closing_breaks_off_whatever_goes_on(name):
    pieces, options = SLOW[name]
    with FaultServer() as server:
        server.send(*pieces, **options)
        address = ("127.0.0.1", int(server.base_url.split(":")[2].removesuffix("/v1")))
        with socket.create_connection(address) as asking:
            asking.sendall(b"GET / HTTP/1.1\r\n\r\n")
            server.wait(requests=1)
            started = time.monotonic()
            server.close()
            assert time.monotonic() - started < PATIENCE, "what goes on would take an hour"
    assert not server.client_left.is_set()
    assert fault_threads() == []


def test_closing_twice_is_no_error(loopback):
    loopback.close()
    loopback.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(loopback.base_url.split(":")[2].removesuffix("/v1"))))
    assert repr(loopback) == f"<FaultServer {loopback.base_url}, closed>"


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_requests_are_kept_as_they_came(loopback, connect):
    loopback.send("a")
    first, second = connect(), connect()
    first.ask("/v1/chat/completions", "POST", {"é": [1]}, "X-Own: Yes\r\n").head()
    first.chunks()
    second.ask("/v1/responses/r%201?stream=true&starting_after=4&empty=").head()
    first.ask("/", "DELETE").head()
    loopback.wait(requests=3)
    one, two, three = loopback.requests
    assert (one.method, one.path, one.query, one.json) == ("POST", "/v1/chat/completions", {}, {"é": [1]})
    assert one.headers["x-own"] == "Yes"
    assert (two.method, two.path, two.json) == ("GET", "/v1/responses/r%201", None)
    assert two.query == {"stream": "true", "starting_after": "4", "empty": ""}
    assert two.target == "/v1/responses/r%201?stream=true&starting_after=4&empty="
    assert (three.method, three.body) == ("DELETE", b"")
    assert [each.connection for each in loopback.requests] == [1, 2, 1]
    assert loopback.connections == 2


def test_a_large_request_arrives_whole(loopback, client):
    loopback.send("a")
    client.ask("/v1/x", "POST", "x" * 5_000_000).head()
    assert loopback.requests[0].json == "x" * 5_000_000


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET /"]
)
def test_garbage_ends_its_own_connection_only(loopback, connect, garbage):
    loopback.send("a")
    broken, whole = connect(), connect()
    broken.socket.sendall(garbage)
    broken.socket.shutdown(socket.SHUT_WR)
    assert broken.rest() == b""
    whole.ask().head()
    assert whole.chunks() == [b"a"]
    assert len(loopback.requests) == 1


# --- the script -------------------------------------------------------------------------------------------------------


def test_answers_come_in_order_and_the_last_one_stays(loopback, client):
    loopback.send("1")
    loopback.send("2")
    for expected in (b"1", b"2", b"2"):
        client.ask().head()
        assert client.chunks() == [expected]


def test_a_later_answer_takes_over_from_the_one_that_stayed(loopback, client):
    loopback.send("1")
    client.ask().head()
    client.chunks()
    loopback.send("2")
    client.ask().head()
    assert client.chunks() == [b"2"]


def test_an_answer_may_depend_on_the_request(loopback, client):
    def echo(received):
        return Answer(received.json, status=201) if received.json == "whole" else received.json

    loopback.respond(echo)
    for text, status in [("body", "200"), ("whole", "201")]:
        assert client.ask("/", "POST", text).head()[0] == f"HTTP/1.1 {status} Scripted"
        assert client.chunks() == [text.encode()]


def test_a_responder_that_fails_says_so(loopback, client):
    loopback.respond(lambda received: received.json["missing"])
    assert client.ask().head()[0].startswith("HTTP/1.1 400")
    assert b"the responder failed: TypeError" in b"".join(client.chunks())


def test_a_server_without_a_script_says_so(client):
    assert client.ask().head()[0].startswith("HTTP/1.1 400")
    assert b"nothing is scripted; call send() first" in b"".join(client.chunks())


@pytest.mark.parametrize(
    "options",
    [{"drip": (0, 1)}, {"drip": (1, -1)}, {"cut": -1}, {"split": [-1]}, {"before_head": -1}, {"then": "stop"}],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(loopback, options):
    with pytest.raises(ValueError, match=r"takes 0 seconds or more|then is"):
        loopback.send("a", **options)


def test_a_negative_pause_is_refused(loopback):
    with pytest.raises(ValueError, match="a pause takes 0 seconds or more"):
        loopback.send("a", -0.1)


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_waiting_for_what_does_not_happen(loopback, client):
    loopback.send("a")
    client.ask().head()
    with pytest.raises(TimeoutError, match=r"in 0\.01 s: 1 of 2 requests, \d of 0 answered, 0 of 0 left"):
        loopback.wait(requests=2, timeout=0.01)


def test_waiting_for_the_answer_to_be_sent(loopback, client):
    go_on = threading.Event()
    loopback.send(go_on, "a")
    client.ask()
    assert loopback.arrived.wait(60)
    assert not loopback.requests[0].answered.is_set()
    go_on.set()
    loopback.wait(answered=1)
    assert loopback.requests[0].answered.is_set()


def test_many_connections_at_once(loopback, connect):
    everybody = threading.Event()
    loopback.send("a", everybody, "b", then="hold")
    clients = [connect().ask(f"/{number}") for number in range(300)]
    loopback.wait(requests=300)
    assert all(client.silent or client.head() for client in clients[:3])
    everybody.set()
    for client in clients:
        client.read_until(b"1\r\nb\r\n")
    for client in clients[:100]:
        client.leave()
    loopback.wait(left=100)
    gone = {received.target for received in loopback.requests if received.client_left.is_set()}
    assert gone == {f"/{number}" for number in range(100)}
    for client in clients[100:]:
        client.leave()
    loopback.wait(left=300)
    assert loopback.connections == 300
    assert all(a != b for a, b in pairwise(sorted(received.connection for received in loopback.requests)))
