"""The options of a stream, declared once: keywords in Python, options of the magics, and what both say of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.request import SurfaceKind

__all__ = ["IN_MAGICS", "OPTIONS", "SURFACES", "Option", "documented", "positive_number"]

F = TypeVar("F", bound="Callable[..., Any]")

SURFACES: tuple[SurfaceKind, ...] = ("auto", "live", "markdown", "terminal", "static")
"""What an answer may be drawn on."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        name: The keyword in Python.
        meaning: What it does, for the docstrings in Python.
        flags: How the magics spell it; none if only Python takes it.
        help: Its help text in the magics, with an example.
        parsing: How its value is read from a magic's line, as for `argparse.ArgumentParser.add_argument`.
        of_a_question: Whether it belongs to one question, so that a chat has none for every turn.
        saved: Whether it may be in the file of a chat.
    """

    name: str
    meaning: str
    flags: tuple[str, ...] = ()
    help: str = ""
    parsing: Mapping[str, Any] = field(default_factory=dict)
    of_a_question: bool = False
    saved: bool = True


def positive_number(text: str) -> float:
    """A finite number above 0.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


OPTIONS = (
    Option(
        "model",
        'Model to ask; `"demo"` is the built-in one.',
        ("-m", "--model"),
        "Model to ask; `demo` is the built-in one. Several are compared. Example: -m gpt-5-mini",
        {"action": "append"},
    ),
    Option(
        "api",
        '`"chat"` or `"responses"`; by default Responses for api.openai.com and Chat Completions elsewhere.',
        ("--api",),
        "OpenAI API to call. Example: --api chat",
        {"choices": ("chat", "responses")},
    ),
    Option("system", "System prompt.", ("-s", "--system"), 'System prompt. Example: -s "You are terse."'),
    Option(
        "temperature",
        "Sampling temperature.",
        ("--temperature",),
        "Sampling temperature. Example: --temperature 0.2",
        {"type": float},
    ),
    Option(
        "max_tokens",
        "The maximum number of tokens in the answer.",
        ("--max-tokens",),
        "The maximum number of tokens in the answer. Example: --max-tokens 300",
        {"type": int},
    ),
    Option(
        "reasoning",
        'How much the model reasons before it answers: `"low"`, `"medium"`, `"high"`, or another word that it knows; '
        'or what the API calls `reasoning`, such as `{"effort": "high", "summary": "auto"}`.',
        ("--reasoning",),
        "How much the model reasons before it answers: low, medium, high, or another word that it knows. "
        "Example: --reasoning low",
        {"metavar": "EFFORT"},
    ),
    Option(
        "base_url",
        'Endpoint of an OpenAI-compatible server, such as `"http://localhost:11434/v1"`.',
        ("--base-url",),
        "OpenAI-compatible server. Example: --base-url http://localhost:11434/v1",
    ),
    Option(
        "api_key",
        "Key for that endpoint, or a function that gives it (see `nbstream.settings.key_sources.FunctionKey`); without "
        "it, see `configure`.",
    ),
    Option(
        "on",
        "An endpoint by the name that `nbs.endpoint` has given it, in place of `base_url` and `api_key`.",
        ("--on",),
        "Endpoint to ask, by the name that nbs.endpoint has given it; several are compared. Example: --on local",
        {"action": "append", "metavar": "NAME"},
    ),
    Option(
        "timeout",
        "Seconds to wait without output, before the answer begins and within it (120 and 60 by default).",
        ("--timeout",),
        "Seconds to wait without output, before and within the answer. Example: --timeout 300",
        {"type": positive_number},
    ),
    Option(
        "total_timeout",
        "Seconds to wait for the whole answer (4 hours by default).",
        ("--total-timeout",),
        "Seconds to wait for the whole answer. Example: --total-timeout 600",
        {"type": positive_number},
    ),
    Option(
        "budget",
        "US dollars that the answer may cost, with all its requests: it is ended when it is sure to cost more, and "
        "nothing is sent once they are spent, or where no price is known.",
        ("--budget",),
        "US dollars that the answer may cost. Example: --budget 0.05",
        {"type": positive_number, "metavar": "DOLLARS"},
        saved=False,
    ),
    Option(
        "max_seconds",
        "Seconds that the requests of the answer may take together; what has arrived by then is kept. The time that "
        "tools and you take does not count.",
        ("--max-seconds",),
        "Seconds that the answer may take. Example: --max-seconds 30",
        {"type": positive_number, "metavar": "SECONDS"},
        saved=False,
    ),
    Option(
        "max_retries",
        "How often the request may be retried, before any of the answer has arrived (2 by default).",
        ("--max-retries",),
        "How often to retry the request, before anything has arrived. Example: --max-retries 0",
        {"type": int},
    ),
    Option(
        "stop_when",
        "Ends the answer early: a text, a list of texts, or a function that is given the text so far and says whether "
        'it is enough. The answer is then `completed`, with `finish_reason="stop_when"`; what has arrived is kept, and '
        "the connection is closed.",
        ("--stop-when",),
        "End the answer once it contains this text; may be repeated. Example: --stop-when END",
        {"action": "append", "metavar": "TEXT"},
    ),
    Option(
        "image",
        "An image for the model to see, or a list of them: a path, bytes, a PIL image, a matplotlib figure, an "
        "image of an answer, the number of a cell that has displayed one, or an address, which is handed on. What is "
        "larger than 2048 pixels is scaled down.",
        ("--image",),
        "An image for the model to see: a path, an address, a variable, or the number of a cell that shows it; may be "
        "repeated. Example: --image photo.jpg",
        {"action": "append", "metavar": "PATH|URL|NAME|CELL"},
        of_a_question=True,
        saved=False,
    ),
    Option(
        "file",
        "A file for the model to read, or a list of them: a path, bytes, or the id of an uploaded one "
        "(`file-…`). Text in any encoding, or a PDF.",
        ("--file",),
        "A text file or PDF for the model to read: a path, or a variable; may be repeated. Example: --file data.csv",
        {"action": "append", "metavar": "PATH|NAME"},
        of_a_question=True,
        saved=False,
    ),
    Option(
        "tools",
        "What the model may call: functions, which nbstream calls and whose results it sends back, see `nbs.tool`; the "
        "tools of an MCP server, see `nbs.mcp`; or definitions in the words of the API, whose calls are in "
        "`result.tool_calls`.",
        ("-t", "--tool"),
        "A function, or the tools of an MCP server, that the model may call, by its name; may be repeated. "
        "Example: -t population",
        {"action": "append", "metavar": "NAME", "dest": "tools"},
    ),
    Option(
        "approve",
        'Who allows a call: `"ask"` asks you, unless the tool is declared safe (the default); `"all"` lets '
        'every call run, `"none"` no call; a list of names lets those run; or a function that is given the question '
        "and returns whether to allow it.",
        ("--approve",),
        "Which tools may run without asking: their names, `all` or `none`; may be repeated. Example: --approve all",
        {"action": "append", "metavar": "NAME"},
        saved=False,
    ),
    Option(
        "max_rounds",
        "How many requests one answer may take (8 by default); each sends back the results of the calls before.",
        ("--max-rounds",),
        "How many requests one answer may take. Example: --max-rounds 3",
        {"type": int},
        saved=False,
    ),
    Option(
        "moderate",
        'Who checks the prompt, and the answer before it is shown: `"provider"`, `"openai"` (the moderation endpoint), '
        "a function that is given a text and says whether to flag it, or all that `nbs.moderation.Moderation` holds. "
        "An answer that is flagged ends, and the rest of it is dropped.",
        ("--moderate",),
        "Who checks the prompt, and the answer before it is shown: provider, openai, or a function, by its name. "
        "Example: --moderate openai",
        {"metavar": "provider|openai|NAME"},
        saved=False,
    ),
    Option(
        "on_flagged",
        'What becomes of what moderation flags: `"block"` shows nothing before it was checked (the default); '
        '`"notify"` shows everything, and marks it.',
        ("--on-flagged",),
        "Whether to block what moderation flags, or to show and mark it. Example: --on-flagged notify",
        {"choices": ("block", "notify")},
        saved=False,
    ),
    Option(
        "allow_secrets",
        "Whether to send a prompt that seems to hold a key or a card number; by default you are asked.",
        ("--allow-secrets",),
        "Send the prompt although it seems to hold a key or a card number. Example: --allow-secrets",
        {"action": "store_true", "default": None},
        saved=False,
    ),
    Option(
        "schema",
        "What the answer is held to: a pydantic model, a dataclass, a TypedDict, `list[Model]`, or a JSON schema. The "
        "object is `result.parsed`; an answer that does not fit has failed.",
        ("--schema",),
        "Hold the answer to a type, by its name; -o is then the object. Example: --schema Country",
        {"metavar": "NAME"},
        saved=False,
    ),
    Option(
        "repair",
        "How often to ask again, with what is wrong, if the answer does not fit the schema (0 by default).",
        ("--repair",),
        "How often to ask again if the answer does not fit its schema. Example: --repair 1",
        {"type": int, "default": 0},
        saved=False,
    ),
    Option(
        "as_",
        '`"code"` shows only the code of the answer: what stands between fences, or all of it if it has none. It is '
        "`result.code`, while `result.text` is the whole answer. The prompt stays as it is.",
        ("--as",),
        "Show and bind only the code of the answer. Example: --as code -o source",
        {"choices": ("text", "code"), "dest": "as_"},
        saved=False,
    ),
    Option(
        "stream",
        "`False` asks for the whole answer in one piece, to compare the two.",
        ("--stream",),
        "Whether to stream, or to ask for the whole answer in one piece. Example: --no-stream",
        {"action": argparse.BooleanOptionalAction},
    ),
    Option(
        "record",
        "A file to record the answer in, which is then played in place of asking again.",
        ("--record",),
        "Ask, and record the answer in a file. Example: --record answer.jsonl",
        {"metavar": "FILE"},
        of_a_question=True,
        saved=False,
    ),
    Option(
        "replay",
        "A recording to play in place of asking; it must be of this request.",
        ("--replay",),
        "Play a recording of this request, and ask nobody. Example: --replay answer.jsonl",
        {"metavar": "FILE"},
        of_a_question=True,
        saved=False,
    ),
    Option(
        "epoch",
        "Which of several recordings of the same request to play or to make (1 by default).",
        ("--epoch",),
        "Which of several recordings of the same request to play or to make. Example: --epoch 2",
        {"type": int},
        of_a_question=True,
        saved=False,
    ),
    Option(
        "images",
        '`"allow"` loads images that an answer names from other servers, which then learn what is in their addresses; '
        "by default they are shown as links.",
        ("--images",),
        "Whether images from other servers are links or loaded. Example: --images allow",
        {"choices": ("link", "allow")},
        saved=False,
    ),
    Option(
        "surface",
        'How the answer is drawn: as a `"live"` view, growing `"markdown"`, `"terminal"` text, or only its `"static"` '
        'end; `"auto"` depends on where it is shown.',
        ("--surface",),
        "How to draw the answer; `auto` depends on where it is shown. Example: --surface static",
        {"choices": SURFACES},
        saved=False,
    ),
    Option(
        "client",
        "An `openai.AsyncOpenAI` (or a subclass) to send with, in place of `base_url` and `api_key`. nbstream uses it "
        "on its own event loop, so do not share it with other code.",
        saved=False,
    ),
    Option(
        "source",
        "Where the stream comes from, in place of a server: `nbstream.testing.ScriptedBytes` or `ScriptedStream`, or "
        "anything else with their method `open(request)`.",
        saved=False,
    ),
    Option("stages", "Functions that see every event before the answer does, see `nbstream.streaming.stages`."),
    Option("display", "Whether to draw the answer."),
)

IN_MAGICS = tuple(option for option in OPTIONS if option.flags)
"""The options that the magics take."""


def documented(function: F) -> F:
    """Replace `{options}` in a docstring with the options.

    Example:
        >>> @documented
        ... def ask():
        ...     '''Ask.
        ...
        ...     Args:
        ...         {options}
        ...     '''
        >>> "        display: Whether to draw the answer." in ask.__doc__
        True
    """
    lines = [f"        {option.name}: {option.meaning}" for option in OPTIONS]
    function.__doc__ = (function.__doc__ or "").replace("        {options}", "\n".join(lines))
    return function
