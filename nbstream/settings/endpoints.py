"""`nbs.endpoint`: gives an endpoint a name, by which `on=` and `--on` find it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.settings.config import settings
from nbstream.settings.named_endpoint import NamedEndpoint
from nbstream.settings.target import current_address
from nbstream.text.address import JUPYTER, check_address
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    from nbstream.request import Api

__all__ = ["endpoint"]

_NAME = re.compile(r"[^\W\d][\w.-]{0,39}")


@takes_key
def endpoint(
    name: str,
    *,
    base_url: str | None = None,
    model: str | None = None,
    api: Api | None = None,
    api_key: Any = None,
    key_variable: str | None = None,
    key_file: str | None = None,
) -> NamedEndpoint:
    """Give an endpoint a name for this kernel: `on="local"` in Python and `--on local` in a cell then ask there.

    Its key goes to this endpoint only, and is shown nowhere. Without a key of its own, the endpoint gets the key that
    any call to the same server would get.

    Args:
        name: A word. An endpoint of the same name is replaced.
        base_url: Its address, such as `"http://localhost:11434/v1"`; by default that of the settings.
        model: The model to ask there, unless a call names another.
        api: `"chat"` or `"responses"`.
        api_key: Its key, or a function that gives it.
        key_variable: The environment variable that holds its key, which other processes can read too.
        key_file: The file that holds its key.

    Returns:
        The endpoint, as a value.

    Raises:
        UsageError: The name is no word, nothing else is given, more than one key is, or a value is impossible.

    Example:
        ```python
        nbs.endpoint("local", base_url="http://localhost:11434/v1", model="llama3.2")
        nbs.endpoint("groq", base_url="https://api.groq.com/openai/v1", key_variable="GROQ_API_KEY")
        nbs.stream("Explain SSE", on="local")
        ```
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"the name of an endpoint is a word, such as local, not {name!r}")
    if (base_url, model, api) == (None, None, None):
        raise UsageError(f'say what {name} is: nbs.endpoint("{name}", base_url=…, model=…)')
    if api not in (None, "chat", "responses"):
        raise UsageError(f'api must be "chat" or "responses", not {api!r}')
    _check_texts(base_url=base_url, model=model, key_variable=key_variable, key_file=key_file)
    if base_url is not None and base_url.strip() != JUPYTER:
        check_address(base_url.strip())
    if sum(key is not None for key in (api_key, key_variable, key_file)) > 1:
        raise UsageError("give one of api_key, key_variable and key_file, not several")
    config = settings()
    key = api_key and api_key.meant_for(current_address(config, base_url))
    made = NamedEndpoint(name, base_url and base_url.strip(), model, api, key or None, key_variable, key_file)
    config.endpoints.add(made)
    return made


def _check_texts(**texts: Any) -> None:
    for name, text in texts.items():
        if text is not None and not (isinstance(text, str) and text.strip()):
            raise UsageError(f"{name} must be a string that says something, not {text!r}")
