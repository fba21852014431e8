"""Kernels forked from one process that has imported what all of them need, which takes each a second to do for itself.

To Jupyter each is a process as any other: `begin` is started in its stead. It has the kernel forked, hands it its
streams, its environment and its folder, passes on the signals that it gets, and ends when the kernel ends; when it is
killed, so is the kernel.

    python tests/forked_kernels.py serve SOCKET
    python tests/forked_kernels.py begin SOCKET ARGUMENTS OF THE KERNEL
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

NEEDED = ("ipykernel.ipkernel", "ipykernel.kernelapp", "ipywidgets", "openai")
OF_NBSTREAM = ("api", "demo", "panel.chat_panel", "display.live_view", "display.notebook", "ipython.magics", "tools")


def begin(address: str, *arguments: str) -> None:
    """Start a kernel, and be it to those who see only processes."""
    with socket.socket(socket.AF_UNIX) as kernel:
        kernel.connect(address)
        asked = json.dumps([arguments, os.path.realpath("."), dict(os.environ)]).encode()
        socket.send_fds(kernel, [len(asked).to_bytes(4, "big")], [0, 1, 2])
        kernel.sendall(asked)
        pid = int(kernel.recv(20))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda got, _: os.kill(pid, got))
        kernel.recv(1)  # it says nothing else; this is the end of it


def serve(address: str) -> None:
    """Fork a kernel for each that asks, and return in its process only."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(100)  # while all is imported
        _import_all()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the kernels here
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _become_kernel(connection)


def _import_all() -> None:
    import gc
    import importlib

    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it as it is imported, and ends with that process
    del sys.path[0]  # of this file, where modules have names that others want
    for name in (*NEEDED, *(f"nbstream.{each}" for each in OF_NBSTREAM)):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _become_kernel(connection: socket.socket) -> None:
    import fcntl
    import runpy

    length, streams, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb", buffering=0) as file:
        asked = b""
        while len(asked) < int.from_bytes(length, "big"):
            asked += file.read(65536) or b""
    arguments, folder, environment = json.loads(asked)
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)  # its end kills
    connection.sendall(b"%d" % os.getpid())
    sys.path.insert(0, folder)
    sys.argv = ["ipykernel_launcher.py", *arguments]
    runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    {"begin": begin, "serve": serve}[sys.argv[1]](*sys.argv[2:])
