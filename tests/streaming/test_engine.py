"""The engine's loop has other streams to read: what takes long happens elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nbstream.testing import FaultServer, chat_body

# Notes on which thread what takes long is imported, in a process that has none of it yet.
ASK = """
import sys, threading

threads = {}

class Noted:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("openai", "genai_prices.", "nbstream.accounting.entering")):
            threads.setdefault(name, threading.current_thread().name)

sys.meta_path.insert(0, Noted())
import nbstream as nbs

for api in ("chat", "responses"):
    try:
        nbs.stream("?", model="m", api=api, base_url=sys.argv[1], api_key="k", max_retries=0, display=False)
    except nbs.StreamError:
        pass
assert {"openai.resources.responses.responses", "genai_prices.data", "nbstream.accounting.entering"} <= {*threads}
print(*sorted({name for name, thread in threads.items() if thread == "nbstream-engine"}))
"""


@pytest.mark.sdk
def test_the_sdk_and_the_prices_are_imported_beside_the_loop(loopback: FaultServer) -> None:
    loopback.send(chat_body("Hi", usage=(10, 5)))
    command = [sys.executable, "-c", ASK, loopback.base_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.strip() == ""
