"""Bytes that a streamed answer puts on the notebook's websocket, against `display(Markdown(…))` at each chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import WebSocket

    from nbstream.demo import DemoServer
    from tests.real_jupyter import Notebook, OpenNotebook

PROMPT = "Write 880 words"  # about 5 KB
RATE = 100  # chunks a second

EACH_CHUNK = """
import openai
from IPython.display import Markdown, display
client = openai.OpenAI()
request = dict(model="demo", messages=[{{"role": "user", "content": {prompt!r}}}], extra_body={body!r})
text, shown = "", display(Markdown(""), display_id=True)
for chunk in client.chat.completions.create(stream=True, **request):
    if chunk.choices and chunk.choices[0].delta.content:
        text += chunk.choices[0].delta.content
        shown.update(Markdown(text))
"""


def test_a_streamed_answer_takes_at_most_a_twentieth_of_the_bytes(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    body = {"demo": {"first_token": 0.1, "tokens_per_second": RATE}}
    options = (
        f"""--base-url {upstream.base_url} -m demo --param demo='{{"first_token": 0.1, "tokens_per_second": {RATE}}}'"""
    )
    received = 0

    def count(payload: str | bytes) -> None:
        nonlocal received
        received += len(payload.encode() if isinstance(payload, str) else payload)

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", count)

    def bytes_of(notebook: Notebook, cell: int) -> int:
        before = received
        notebook.run(cell)
        notebook.page.wait_for_timeout(300)  # the last frames are on their way
        return received - before

    notebook = open_notebook(
        "lab",
        f"%%stream {options}\n{PROMPT}",
        EACH_CHUNK.format(prompt=PROMPT, body=body),
        before_opening=lambda page: page.on("websocket", listen),
    )
    ours = bytes_of(notebook, 1)
    each_chunk = bytes_of(notebook, 2)
    size, chunks = notebook.value("len(text), stream_usage.output_tokens", 3).split()
    print(f"\n{size} characters in {chunks} chunks at {RATE}/s, bytes received on the websocket:")
    print(f"  %%stream                        {ours:>10,}")
    print(f"  display(Markdown) at each chunk {each_chunk:>10,}")
    print(f"  ratio 1/{each_chunk / ours:.1f} (at least 1/20)")
    assert ours * 20 <= each_chunk
