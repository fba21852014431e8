"""Cells that show a streamed answer: `%%stream`, and what people write with the SDK instead. All ask the same."""

from __future__ import annotations

import json

__all__ = ["WAYS", "cell", "preparation"]

_LOOP = """
text = ""
{before}
for chunk in client.chat.completions.create(stream=True, **request):
    if chunk.choices and chunk.choices[0].delta.content:
        text += chunk.choices[0].delta.content
        {each}
{after}
"""

_LOOPS = {
    "display(Markdown) a chunk": ('shown = display(Markdown(""), display_id=True)', "shown.update(Markdown(text))", ""),
    "display(Markdown), 10/s": (
        'shown, last = display(Markdown(""), display_id=True), 0.0',
        "if time.monotonic() - last >= 0.1: last = time.monotonic(); shown.update(Markdown(text))",
        "shown.update(Markdown(text))",
    ),
    "ipywidgets.HTML a chunk": (
        "shown = ipywidgets.HTML(); display(shown)",
        "shown.value = markdown.markdown(text)",
        "",
    ),
    "print a chunk": ("", 'print(chunk.choices[0].delta.content, end="", flush=True)', ""),
}

WAYS = ("%%stream", *_LOOPS)


def preparation(base_url: str, prompt: str, options: dict[str, float]) -> str:
    """The cell to run first: imports, a client, and a small answer each way, because the first is always expensive."""
    request = {"model": "demo", "messages": [{"role": "user", "content": prompt}], "extra_body": {"demo": options}}
    return f"""
import time, ipywidgets, markdown, openai
import nbstream as nbs
from IPython.display import Markdown, display
client = openai.OpenAI(base_url={base_url!r})
for _ in client.chat.completions.create(
    stream=True, model="demo", messages=[{{"role": "user", "content": "Hi"}}]
): pass
nbs.stream("Hi", model="demo", base_url={base_url!r})
request = {request!r}
"""


def cell(way: str, base_url: str, prompt: str, options: dict[str, float]) -> str:
    """The source of a cell that shows the answer this way."""
    if way == "%%stream":
        return f"%%stream --base-url {base_url} -m demo --param demo='{json.dumps(options)}'\n{prompt}"
    before, each, after = _LOOPS[way]
    return _LOOP.format(before=before, each=each, after=after)
