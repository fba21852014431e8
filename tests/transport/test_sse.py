"""The rules of WHATWG HTML, section 9.2.6, whatever the cuts."""

import pytest

from nbstream.transport.sse import OverflowingEventError, ServerSentEvent, SSEDecoder


@pytest.fixture
def read(decoded_alike):
    """The dispatched events of a response, and what its end cut short."""

    def decode(pieces):
        decoder = SSEDecoder()
        return [event for piece in pieces for event in decoder.feed(piece)], decoder.flush()

    return lambda data: decoded_alike(data, decode)


def data_of(events):
    return [event.data for event in events]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"data: a\n\n", [b"a"], id="one event"),
        pytest.param(b"data: a\n\ndata: b\n\n", [b"a", b"b"], id="two events"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"], id="CRLF"),
        pytest.param(b"data: a\r\rdata: b\r\r", [b"a", b"b"], id="CR"),
        pytest.param(b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", [b"a", b"b", b"c"], id="mixed line ends"),
        pytest.param(b"data: a\r\n\r\n\r\ndata: b\n\n\n\n\n", [b"a", b"b"], id="many blank lines"),
        pytest.param(b"data:a\n\n", [b"a"], id="no space after the colon"),
        pytest.param(b"data:  a\n\n", [b" a"], id="only one space is taken"),
        pytest.param(b"data: a\ndata: b\ndata: c\n\n", [b"a\nb\nc"], id="lines are joined"),
        pytest.param(b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"], id="CRLF lines are joined with LF"),
        pytest.param(b"data\n\ndata\ndata\n\n", [b"", b"\n"], id="field without a colon"),
        pytest.param(b"data:\n\n", [b""], id="empty data is an event"),
        pytest.param(b": ping\n\n:\n\ndata: a\n: note\n\n", [b"a"], id="comments"),
        pytest.param(b"event: ping\n\nid: 7\n\nretry: 3000\n\ndata: a\n\n", [b"a"], id="no data, no event"),
        pytest.param(b"id: 7\ndata: a\n\n: ping\n\ndata: b\n\n", [b"a", b"b"], id="an id poisons nothing"),
        pytest.param(b"data: a\n extra: 1\ndatax: 2\nDATA: 3\n\n", [b"a"], id="unknown fields"),
        pytest.param(b"data: a: b: c\n\n", [b"a: b: c"], id="colons in the value"),
        pytest.param(b"\n\n\ndata: a\n\n", [b"a"], id="blank lines first"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [b"a"], id="byte order mark"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"b"], id="only one byte order mark"),
        pytest.param(b"data: \xef\xbb\xbfa\n\n", [b"\xef\xbb\xbfa"], id="byte order mark within is text"),
        pytest.param(b"\xef\xbbdata: a\n\ndata: b\n\n", [b"b"], id="half a byte order mark is an unknown field"),
        pytest.param(
            "data: a\u2028b\u2029c\u0085d\x1ce\n\n".encode(), ["a\u2028b\u2029c\u0085d\x1ce".encode()], id="U+2028"
        ),
        pytest.param("data: 😀\n\n".encode(), ["😀".encode()], id="UTF-8 cut in a character"),
        pytest.param(b"data: \xff\xfe\n\n", [b"\xff\xfe"], id="bytes are left alone"),
        pytest.param(b"data: a\0b\n\n", [b"a\0b"], id="NUL"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_dispatches(read, raw, expected):
    events, rest = read(raw)
    assert data_of(events) == expected
    assert rest is None


def test_event_names_belong_to_their_event_only(read):
    events, _ = read(b"event: error\ndata: a\n\ndata: b\n\nevent: x\nevent: y\ndata: c\n\ndata: d\nevent: late\n\n")
    assert events == [
        ServerSentEvent(b"a", "error"),
        ServerSentEvent(b"b"),
        ServerSentEvent(b"c", "y"),
        ServerSentEvent(b"d", "late"),
    ]


def test_an_event_name_of_bad_bytes_is_replaced(read):
    assert read(b"event: \xff\ndata: a\n\n")[0] == [ServerSentEvent(b"a", "\ufffd")]


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        (b"data: a\n\ndata: b", ServerSentEvent(b"b")),
        (b"data: a\n\ndata: b\n", ServerSentEvent(b"b")),
        (b"data: a\n\ndata: b\r", ServerSentEvent(b"b")),
        (b"data: a\n\nevent: error\ndata: b", ServerSentEvent(b"b", "error")),
        (b"data: a\n\n: comment", None),
        (b"data: a\n\ndat", None),
    ],
)
def test_the_end_hands_over_what_it_cut_short(read, raw, rest):
    events, flushed = read(raw)
    assert data_of(events) == [b"a"]
    assert flushed == rest


def test_a_flushed_decoder_is_empty():
    decoder = SSEDecoder()
    decoder.feed(b"data: a")
    assert decoder.flush() == ServerSentEvent(b"a")
    assert decoder.flush() is None


def test_a_huge_event_comes_whole(read):
    data = b"x" * 100_000
    assert data_of(read(b"data: " + data + b"\n\n")[0]) == [data]


def feed_often(decoder, piece):
    for _ in range(1000):
        decoder.feed(piece)


@pytest.mark.parametrize("piece", [b"x" * 10, b"data: x\n"], ids=["a line without an end", "lines without a blank one"])
def test_an_event_without_an_end_is_given_up(piece):
    decoder = SSEDecoder(max_event_bytes=1000)
    with pytest.raises(OverflowingEventError):
        feed_often(decoder, piece)


def test_what_came_before_an_event_that_is_too_large_is_there():
    for tail in (b"", b"\n\n", b"\n\ndata: c\n\n"):
        decoder = SSEDecoder(max_event_bytes=20)
        with pytest.raises(OverflowingEventError) as caught:
            decoder.feed(b"data: a\n\ndata: b\n\ndata: " + b"x" * 30 + tail)
        assert [event.data for event in caught.value.before] == [b"a", b"b"]


def test_many_small_events_never_reach_the_limit():
    decoder = SSEDecoder(max_event_bytes=100)
    assert sum(len(decoder.feed(b"data: abcdefgh\n\n")) for _ in range(1000)) == 1000
