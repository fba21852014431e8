"""Where the functions run that an answer calls."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from nbstream.streaming.errands import Errands, waited_for_here


def test_a_function_waits_for_a_caller_that_is_about_to_wait() -> None:
    with waited_for_here():
        errands = Errands()
    apart, here = Errands(), threading.current_thread()
    with ThreadPoolExecutor() as pool:
        called, apart_called = (
            pool.submit(lambda each: asyncio.run(each.call(threading.current_thread, {})), each)
            for each in (errands, apart)
        )
        assert apart_called.result(30) is not here
        errands.run_next(30, contextlib.nullcontext)
        assert called.result(30) is here


def test_what_is_begun_later_waits_for_nobody() -> None:
    with waited_for_here(), contextlib.suppress(RuntimeError):
        raise RuntimeError
    with ThreadPoolExecutor() as pool:
        called = pool.submit(lambda: asyncio.run(Errands().call(threading.current_thread, {})))
        assert called.result(30).name == "nbstream-tool"
