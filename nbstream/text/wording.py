"""How each remedy is worded in each place: the only file that knows magics, options and buttons as ways to act.

It imports only remedies and places, because errors and warnings read their own words here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["WORDINGS", "Wording", "told"]


class Wording(NamedTuple):
    """The words of one place.

    Attributes:
        result: The name of the whole result.
        token_limit: The name of the token limit.
        clauses: What to say for each remedy, without a capital or a full stop; `{value}` is the remedy's value. Nothing
            is said for those that are missing.
    """

    result: str
    token_limit: str
    clauses: Mapping[RemedyKind, str]

    def clause(self, remedy: Remedy) -> str:
        """One remedy, without a capital or a full stop."""
        value = remedy.value
        shown = "a little" if value is None else value if isinstance(value, str) else f"{math.ceil(value)} s"
        return self.clauses[remedy.kind].format(value=shown)


_EVERYWHERE = {
    RemedyKind.RETRY_LATER: "try again later",
    RemedyKind.ASK_ANEW: "send the prompt again for a whole answer",
    RemedyKind.SHORTEN_PROMPT: "shorten the prompt",
    RemedyKind.LONGER_CONTEXT: "use a model with a longer context",
    RemedyKind.REPHRASE: "rephrase the prompt",
    RemedyKind.CHECK_MODEL: "check the model's name ({value})",
    RemedyKind.COPY_KEY: "copy it again",
    RemedyKind.CHECK_KEY_FILE: "check the file {value}, which holds the key and nothing else",
    RemedyKind.CHECK_KEY_FUNCTION: "check the function, which returns the key",
    RemedyKind.ASK_OPERATOR: "ask whoever runs the relay",
    RemedyKind.CHECK_ADDRESS: "check the base URL, which usually ends in /v1",
    RemedyKind.CHECK_VARIABLE: "correct or unset {value}",
    RemedyKind.INSTALL: "install it (pip install {value})",
    RemedyKind.CHECK_CONNECTION: "check the base URL and the network",
    RemedyKind.CHECK_PROXY: "check any proxy or login page in between",
    RemedyKind.CHECK_LOCATION: "check from which countries and networks the provider may be used",
    RemedyKind.CHECK_CERTIFICATE: "name the authority that signed it in SSL_CERT_FILE, or check the base URL",
    RemedyKind.CHECK_SERVER: "check the server",
    RemedyKind.START_SERVER: "is the server running?",
    RemedyKind.CHECK_BILLING: "check your plan and billing",
    RemedyKind.REPORT_BUG: "please report this",
}
_BY_OPTION = {
    RemedyKind.CHOOSE_MODEL: "name one with -m MODEL or NBSTREAM_MODEL",
    RemedyKind.NAME_SERVER: "name a compatible server with --base-url URL",
    RemedyKind.TRY_DEMO: "try the built-in demo model with -m demo",
    RemedyKind.USE_ADDRESS: "try --base-url {value}",
}
_IN_CODE = {
    RemedyKind.CHANGE_REQUEST: "change the request (model, options, prompt)",
    RemedyKind.SEND_HISTORY: 'send it with each request (history="messages")',
}
_BY_SETTING = {
    RemedyKind.LONGER_ANSWER: "max_answer_characters",
    RemedyKind.MORE_PARTS: "max_answer_parts",
    RemedyKind.LARGER_EVENT: "max_event_bytes",
    RemedyKind.LARGER_FILE: "max_file_bytes",
    RemedyKind.MORE_KERNEL_BUDGET: "budget",
}
_IN_A_NOTEBOOK = {
    RemedyKind.SET_PRICE: 'say what it costs with nbs.price("{value}", input=…, output=…)',
    **{kind: f"allow more with nbs.configure({name}=…)" for kind, name in _BY_SETTING.items()},
    RemedyKind.SET_KEY: "set OPENAI_API_KEY (or nbs.configure(api_key=…))",
    RemedyKind.SET_ENDPOINT_KEY: "give the key with nbs.configure(base_url=…, api_key=…)",
    RemedyKind.CHECK_KEY: (
        "check the key (OPENAI_API_KEY or nbs.configure(api_key=…)) and that it belongs to this endpoint"
    ),
}
_IN_PYTHON = {
    **_IN_CODE,
    RemedyKind.ALLOW_TOOL: 'allow it with approve=["{value}"], or all of them with approve="all"',
    RemedyKind.ALLOW_SECRETS: "send it all the same with allow_secrets=True",
    RemedyKind.REPAIR: "let the model correct it with repair=1",
    RemedyKind.MORE_ROUNDS: "allow more with max_rounds=…",
    RemedyKind.MORE_BUDGET: "allow more with budget=…",
    RemedyKind.MORE_SECONDS: "allow more with max_seconds=…",
    RemedyKind.CONTINUE: "call result.resume() to continue",
    RemedyKind.RAISE_TOKEN_LIMIT: "allow more with max_tokens=…",
    RemedyKind.LOWER_TOKEN_LIMIT: "lower max_tokens",
    RemedyKind.USE_API: 'api="{value}" suits it better',
}

_IN_A_CELL = {
    **_EVERYWHERE,
    **_IN_A_NOTEBOOK,
    **_IN_CODE,
    **_BY_OPTION,
    RemedyKind.CONTINUE: "run %stream_continue to continue",
    RemedyKind.RETRY: "run the cell again",
    RemedyKind.REGENERATE: "run the cell again",
    RemedyKind.WAIT: "wait {value} and run the cell again",
    RemedyKind.RAISE_TOKEN_LIMIT: "allow more with --max-tokens",
    RemedyKind.LOWER_TOKEN_LIMIT: "lower --max-tokens",
    RemedyKind.USE_API: "--api {value} suits it better",
    RemedyKind.INSTALL: "install it (%pip install {value})",
    RemedyKind.ALLOW_SECRETS: "send it all the same with --allow-secrets",
    RemedyKind.REPAIR: "let the model correct it with --repair 1",
    RemedyKind.ALLOW_TOOL: "allow it with --approve {value}, or all of them with --approve all",
    RemedyKind.MORE_ROUNDS: "allow more with --max-rounds",
    RemedyKind.MORE_BUDGET: "allow more with --budget DOLLARS",
    RemedyKind.MORE_SECONDS: "allow more with --max-seconds SECONDS",
    RemedyKind.MORE_TIME_TO_BEGIN: "give a slow model more time with --timeout SECONDS",
    RemedyKind.MORE_TIME_IN_TOTAL: "allow more with --total-timeout SECONDS",
}

WORDINGS: Mapping[Place, Wording] = {
    Place.CELL: Wording("stream_result", "--max-tokens", _IN_A_CELL),
    Place.COMPARISON: Wording(
        "stream_results[…]",
        "--max-tokens",
        {**_IN_A_CELL, RemedyKind.CONTINUE: "continue it as in stream_results[0].resume()"},
    ),
    Place.PANEL: Wording(
        "panel.result",
        "Max tokens in the settings",
        {
            **_EVERYWHERE,
            **_IN_A_NOTEBOOK,
            RemedyKind.CONTINUE: "Continue picks up from here",
            RemedyKind.RETRY: "ask again",
            RemedyKind.REGENERATE: "ask for another answer",
            RemedyKind.WAIT: "wait {value} and ask again",
            RemedyKind.RAISE_TOKEN_LIMIT: "allow more with Max tokens in the settings",
            RemedyKind.LOWER_TOKEN_LIMIT: "lower Max tokens in the settings",
            RemedyKind.CHANGE_REQUEST: "change the request (model, settings, message)",
            RemedyKind.CHOOSE_MODEL: "choose one below",
            RemedyKind.USE_API: 'panel.chat.configure(api="{value}") suits it better',
            RemedyKind.SEND_HISTORY: 'send it with each request (panel.chat.history = "messages")',
            RemedyKind.NAME_SERVER: "name a compatible server with ChatPanel(base_url=…)",
            RemedyKind.USE_ADDRESS: 'try panel.chat.configure(base_url="{value}")',
            RemedyKind.INSTALL: "install it (%pip install {value})",
            RemedyKind.TRY_DEMO: "choose the built-in demo model, demo",
            RemedyKind.ALLOW_SECRETS: "send it all the same with panel.chat.configure(allow_secrets=True)",
            RemedyKind.REPAIR: "let the model correct it with panel.chat.configure(repair=1)",
            RemedyKind.ALLOW_TOOL: 'allow it with panel.chat.configure(approve=["{value}"])',
            RemedyKind.MORE_ROUNDS: "allow more with panel.chat.configure(max_rounds=…)",
            RemedyKind.MORE_BUDGET: "allow more with panel.chat.configure(budget=…)",
            RemedyKind.MORE_SECONDS: "allow more with panel.chat.configure(max_seconds=…)",
            RemedyKind.MORE_TIME_TO_BEGIN: "give a slow model more time with panel.chat.configure(timeout=…)",
            RemedyKind.MORE_TIME_IN_TOTAL: "allow more with panel.chat.configure(total_timeout=…)",
        },
    ),
    Place.PYTHON: Wording(
        "result",
        "max_tokens",
        {
            **_EVERYWHERE,
            **_IN_A_NOTEBOOK,
            **_IN_PYTHON,
            RemedyKind.RETRY: "ask again",
            RemedyKind.REGENERATE: "ask again",
            RemedyKind.WAIT: "wait {value} and ask again",
            RemedyKind.CHOOSE_MODEL: "name one with model=… or NBSTREAM_MODEL",
            RemedyKind.NAME_SERVER: "name a compatible server with base_url=…",
            RemedyKind.USE_ADDRESS: 'try base_url="{value}"',
            RemedyKind.TRY_DEMO: 'try the built-in demo model with model="demo"',
            RemedyKind.MORE_TIME_TO_BEGIN: "give a slow model more time with timeout=…",
            RemedyKind.MORE_TIME_IN_TOTAL: "allow more with total_timeout=…",
        },
    ),
    # The command asks for no answers; what it cannot do itself is done in Python.
    Place.TERMINAL: Wording(
        "result",
        "max_tokens",
        {
            **_EVERYWHERE,
            **_IN_PYTHON,
            **_BY_OPTION,
            **{kind: f"allow more with the setting {name}" for kind, name in _BY_SETTING.items()},
            RemedyKind.SET_PRICE: "say what {value} costs with the setting prices",
            RemedyKind.RETRY: "run the command again",
            RemedyKind.REGENERATE: "run the command again",
            RemedyKind.WAIT: "wait {value} and run the command again",
            RemedyKind.SET_KEY: "set OPENAI_API_KEY",
            RemedyKind.SET_ENDPOINT_KEY: "give the key in OPENAI_API_KEY, with the address in OPENAI_BASE_URL",
            RemedyKind.CHECK_KEY: "check the key (OPENAI_API_KEY) and that it belongs to this endpoint",
            RemedyKind.MORE_TIME_TO_BEGIN: "allow more with --timeout SECONDS",
            RemedyKind.MORE_TIME_IN_TOTAL: "allow more with --timeout SECONDS",
        },
    ),
    Place.FILE: Wording("result", "max_tokens", {}),
}

# What continues the sentence that says what happened; the others are alternatives, in a sentence of their own.
_IN_ITS_SENTENCE = {RemedyKind.USE_API, RemedyKind.REPORT_BUG}


def told(happened: str, remedies: Sequence[Remedy], place: Place) -> str:
    """What happened and what can be done about it, in the words of a place.

    Args:
        happened: Sentences with a full stop or a question mark, or one clause without.
        remedies: What can be done: alternatives, the best first.
        place: Where it is read.

    Example:
        >>> lost, demo = Remedy(RemedyKind.RETRY), Remedy(RemedyKind.TRY_DEMO)
        >>> told("It broke.", [lost, demo], Place.CELL)
        'It broke. Run the cell again, or try the built-in demo model with -m demo.'
        >>> told("no answer", [lost], Place.PANEL)
        'no answer; ask again'
    """
    wording = WORDINGS[place]
    remedies = [remedy for remedy in remedies if remedy.kind in wording.clauses]
    stop = "." if happened.endswith((".", "?")) else ""
    joined = set() if happened.endswith("?") else _IN_ITS_SENTENCE
    said = happened
    for remedy in remedies:
        if remedy.kind in joined:
            said = f"{said.removesuffix('.')}; {wording.clause(remedy)}{stop}"
    others = _alternatives([wording.clause(each) for each in remedies if each.kind not in joined])
    if not others:
        return said
    if not stop:
        return f"{said}; {others}"
    return f"{said} {others[0].upper()}{others[1:]}{'' if others.endswith('?') else stop}"


def _alternatives(clauses: Sequence[str]) -> str:
    """The clauses as one: `a, b, or c`."""
    return ", ".join([*clauses[:-1], f"or {clauses[-1]}"]) if len(clauses) > 1 else "".join(clauses)
