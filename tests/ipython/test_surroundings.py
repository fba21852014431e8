"""The guards that every test runs under do guard."""

import os
import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 9), ("example.com", 80)])
def test_no_connection_leaves_this_machine(loopback_only, address):
    with socket.socket() as connection, pytest.raises(OSError, match="a test tried to reach"):
        connection.connect(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection, pytest.raises(OSError, match="a test tried"):
        connection.sendto(b"x", address)
    assert loopback_only == [address, address]
    loopback_only.clear()


def test_no_name_is_asked_for(loopback_only):
    with pytest.raises(OSError, match=r"the address of example\.com"):
        socket.getaddrinfo("example.com", 80)
    assert loopback_only == ["example.com"]
    loopback_only.clear()


def test_loopback_is_open(loopback_only):
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1])).close()
    assert not loopback_only


def test_no_setting_of_the_machine_is_seen():
    assert not [name for name in os.environ if name.startswith(("OPENAI_", "NBSTREAM_"))]
