"""A user's code, which the type checker must accept, with the types that it must see."""

from __future__ import annotations

from typing import assert_type

import openai

import nbstream as nbs
import nbstream.moderation
from nbstream.testing import ScriptedBytes, ScriptedStream, chat_body


def ask() -> str:
    result = nbs.stream("Explain SSE", model="demo", api="chat", temperature=0.2, max_tokens=300, timeout=5)
    assert_type(result, nbs.StreamResult)
    assert_type(result.text, str)
    assert_type(result.state, nbs.StreamState)
    assert_type(result.usage, nbs.Usage | None)
    assert_type(result.timing.ttft, float | None)
    tokens = result.usage.output_tokens if result.usage else 0
    return f"{result.text}: {tokens} tokens, {result.finish_reason or 'no reason'}"


async def ask_side_by_side() -> list[str]:
    handle = nbs.start([{"role": "user", "content": "Hi"}], display=False, client=openai.AsyncOpenAI(), seed=7)
    result = await nbs.astream("And then?", model="demo")
    assert_type(await handle, nbs.StreamResult)
    return [result.text, handle.text]


def ask_with_tools() -> list[str]:
    with nbs.mcp(["a-server"], env={"TOKEN": "…"}, include=["read_*"]) as files:
        nbs.stream("What is in this folder?", tools=[files, *files[:1], ask])
        return [tool.name for tool in files]


def account() -> list[str]:
    nbs.price("our-llama", input=0.1, output=0.4)
    assert_type(nbs.ledger.total.cost, float)
    known = [entry.model for entry in nbs.ledger if entry.cost is not None]
    return known + [str(total.requests) for total in nbs.ledger.by("model").values()]


def ask_a_script() -> str:
    chat = nbs.Chat(source=ScriptedBytes(chat_body("Hi")), model="m", api="chat")
    return nbs.stream("Hi", source=ScriptedStream.answering("Hi"), model="m").text + chat.stream("Hi").text


def unkind(text: str) -> list[str]:
    return ["unkind"] if "stupid" in text else []


async def unkind_elsewhere(text: str) -> bool:
    return bool(unkind(text))


def moderate() -> list[str]:
    nbs.stream("Hi", model="demo", moderate="openai", on_flagged="notify", allow_secrets=True)
    nbs.Chat(model="demo", moderate=unkind_elsewhere).stream("Hi")
    details = nbs.moderation.Moderation(unkind, at=("answer",), on_failure="pass")
    result = nbs.stream("Hi", model="demo", moderate=details)
    return [f"{verdict.subject}: {verdict.outcome}" for verdict in result.moderation]


def stop() -> bool:
    handle = nbs.start("A long story", model="demo")
    handle.cancel()
    assert_type(handle.result(timeout=1.0), nbs.StreamResult)
    return handle.state is nbs.StreamState.CANCELLED


def talk() -> nbs.Chat:
    chat = nbs.Chat("Be terse.", model="demo", temperature=0.2, max_turns=20)
    assert_type(chat.stream("Hi"), nbs.StreamResult)
    assert_type(chat.usage, nbs.Usage | None)
    handle = chat.regenerate(chat.turns[-1].id)
    assert_type(handle.result(), nbs.StreamResult)
    assert_type(chat.turns[0].text, str)
    assert_type(chat.left_out(), str | None)
    chat.save("chat.json")
    assert_type(nbs.Chat.load("chat.json"), nbs.Chat)
    return chat.fork()


def show(results: list[nbs.StreamResult]) -> nbs.ChatPanel:
    panel = nbs.ChatPanel(talk(), suggestions=["Hi"], context=["df"], bind="answer", on_result=results.append)
    assert_type(panel.chat, nbs.Chat)
    assert_type(panel.text, str)
    assert_type(panel.usage, nbs.Usage | None)
    assert_type(panel.result, nbs.StreamResult | None)
    panel.send("And then?")
    panel.stop()
    return nbs.ChatPanel.restore("talk.ipynb", bind="answer")


def recover() -> str:
    nbs.configure(base_url="http://localhost:11434/v1", model="llama3.2")
    try:
        return ask()
    except nbs.StreamError as error:
        assert_type(error.kind, str)
        assert_type(error.status, int | None)
        return error.result.text if error.result else ""
