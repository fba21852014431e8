"""The ways to take in a streamed answer that are compared: what users of each library write. All return the text."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import openai

import nbstream as nbs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Readers"]

# The SDK's own HTTP library: httpx on openai 2.x, httpx2 on 3.x.
http: Any = importlib.import_module("httpx2" if int(openai.__version__.partition(".")[0]) >= 3 else "httpx")

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
RESPONSES: dict[str, Any] = {"model": "m", "input": "hi"}


class Readers:
    """Asks one API of one endpoint, with clients that are made once, as in a notebook.

    Args:
        api: `"chat"` or `"responses"`.
        base_url: The endpoint.
    """

    def __init__(self, api: Any, base_url: str) -> None:
        self._api = api
        self._base_url = base_url
        self._client = openai.OpenAI(base_url=base_url, api_key="x")
        self._async_client = openai.AsyncOpenAI(base_url=base_url, api_key="x")
        self._http = http.Client()

    async def close(self) -> None:
        self._client.close()
        self._http.close()
        await self._async_client.close()

    def nbstream(self) -> str:
        return nbs.stream("hi", model="m", base_url=self._base_url, api=self._api, display=False).text

    async def nbstream_async(self) -> str:
        return (await nbs.astream("hi", model="m", base_url=self._base_url, api=self._api, display=False)).text

    def sdk_loop(self) -> str:
        text = ""
        if self._api == "chat":
            for chunk in self._client.chat.completions.create(stream=True, **CHAT):
                if chunk.choices and chunk.choices[0].delta.content:
                    text += chunk.choices[0].delta.content
        else:
            for event in self._client.responses.create(stream=True, **RESPONSES):
                if event.type == "response.output_text.delta":
                    text += event.delta
        return text

    def sdk_loop_keeping_chunks(self) -> str:
        """As those write who look at the chunks later."""
        assert self._api == "chat"
        chunks = list(self._client.chat.completions.create(stream=True, **CHAT))
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    async def sdk_loop_async(self) -> str:
        text = ""
        if self._api == "chat":
            async for chunk in await self._async_client.chat.completions.create(stream=True, **CHAT):
                if chunk.choices and chunk.choices[0].delta.content:
                    text += chunk.choices[0].delta.content
        else:
            async for event in await self._async_client.responses.create(stream=True, **RESPONSES):
                if event.type == "response.output_text.delta":
                    text += event.delta
        return text

    def sdk_helper(self) -> str:
        text = ""
        if self._api == "chat":
            with self._client.chat.completions.stream(**CHAT) as chunks:
                for each in chunks:
                    if each.type == "content.delta":
                        text += each.delta
        else:
            with self._client.responses.stream(**RESPONSES) as events:
                for event in events:
                    if event.type == "response.output_text.delta":
                        text += event.delta
        return text

    def http_lines(self) -> str:
        return "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        path, body = ("chat/completions", CHAT) if self._api == "chat" else ("responses", RESPONSES)
        with self._http.stream("POST", f"{self._base_url}/{path}", json=body | {"stream": True}) as response:
            for line in response.iter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                payload = json.loads(line[6:])
                if self._api == "responses":
                    if payload["type"] == "response.output_text.delta":
                        yield payload["delta"]
                elif payload["choices"] and (piece := payload["choices"][0]["delta"].get("content")):
                    yield piece
