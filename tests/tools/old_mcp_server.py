"""An MCP server of an older protocol, as a process, in a few lines: it writes rubbish, asks, hangs, floods and dies."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

ASKED = {
    "message": "Which\x1b[31m name?",
    "requestedSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "description": "Yours."},
            "loud": {"type": "boolean", "default": True},
        },
        "required": ["name"],
    },
}


def send(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def told(identifier: Any, text: str) -> None:
    send(id=identifier, result={"content": [{"type": "text", "text": text}]})


def call(identifier: Any, name: str) -> None:
    match name:
        case "die":
            print(f"Traceback\nMemoryError: no room for {os.environ['TOKEN']}", file=sys.stderr, flush=True)
            os._exit(1)
        case "hang":
            return
        case "long":
            sys.stdout.write("x" * 300_000)
            sys.stdout.flush()
        case "curious":
            for number in range(3000):
                send(id=number, method="elicitation/create", params=ASKED)
            time.sleep(600)  # and takes no answer
        case "ask":
            send(id="q", method="elicitation/create", params=ASKED)
            while (message := json.loads(sys.stdin.readline())).get("id") != "q":
                pass
            told(identifier, json.dumps(message.get("result") or message.get("error")))
        case _:
            told(identifier, f"{os.getpid()} {os.environ['TOKEN']} {'OPENAI_API_KEY' in os.environ}")


print("starting …", flush=True)
for line in sys.stdin:
    received = json.loads(line)
    match received.get("method"):
        case "initialize":
            info = {"name": "Old Server", "version": "1"}
            about = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
            send(id=received["id"], result=about)
        case "tools/list":
            while sys.argv[1:] == ["flood"]:
                sys.stdout.write("x" * 100_000)
                time.sleep(0.02)
            names = ("pid", "die", "hang", "ask", "long", "curious")
            send(
                id=received["id"],
                result={"tools": [{"name": each, "inputSchema": {"type": "object"}} for each in names]},
            )
        case "tools/call":
            call(received["id"], received["params"]["name"])
        case _ if "id" in received and "method" in received:
            send(id=received["id"], error={"code": -32601, "message": "Method not found"})
