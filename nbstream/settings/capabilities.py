"""What an endpoint and model can do: known for some hosts, else learned from what they refuse.

Pure. How a refusal is worded is not its concern.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from nbstream.request import Api

__all__ = ["Capabilities", "LearnedCapabilities", "capabilities_of"]

AnswerFormat: TypeAlias = Literal["json_schema", "json_object", "text"]

_OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an endpoint and model can do. `None` where it is not known.

    Attributes:
        default_api: The API to call where the user chooses none.
        default_model: The model to ask where the user names none.
        needs_key: Whether nothing is answered without a key.
        stream_options: Whether a Chat Completions request may ask for the usage (`stream_options`).
        limit_field: What Chat Completions calls the most tokens that an answer may have.
        response_limit_field: What Responses calls it.
        schemas: Whether the answer can be held to a JSON schema that the user gives as a field.
        answer_format: How to hold an answer to a schema that nbstream tells of: by the schema, by asking for any JSON,
            or by words alone.
        background: Whether an answer can be generated in the background and resumed.
        answer_images: Whether the images of earlier answers can be sent along.
        prefill: Whether the model continues the beginning of an answer as if it had just written it.
    """

    default_api: Api = "chat"
    default_model: str | None = None
    needs_key: bool = False
    stream_options: bool = True
    limit_field: str = "max_tokens"
    response_limit_field: str = "max_output_tokens"
    schemas: bool | None = None
    answer_format: AnswerFormat = "json_schema"
    background: bool | None = None
    answer_images: bool = True
    prefill: bool | None = None

    def without(self, field: str, instead: str | None = None) -> Capabilities | None:
        """What remains when a field that nbstream chose by itself is refused: it is left out, or gets its other name.

        Args:
            field: The field.
            instead: The name that the server gives in its place.

        Returns:
            Other capabilities; `None` if there is no other way to ask.

        Example:
            >>> Capabilities().without("max_tokens").limit_field
            'max_completion_tokens'
        """
        if field == "stream_options" and self.stream_options:
            return replace(self, stream_options=False)
        if field in {"response_format", "text", "text.format"} and self.answer_format != "text":
            return replace(self, answer_format="json_object" if self.answer_format == "json_schema" else "text")
        name = instead or _OTHER_NAME.get(field)
        if name is not None and field == self.limit_field:
            return replace(self, limit_field=name)
        if name is not None and field == self.response_limit_field:
            return replace(self, response_limit_field=name)
        return None

    def lacking(self, field: str) -> Capabilities:
        """What is known once a field that the user asked for, and which is therefore never left out, is refused.

        Args:
            field: The field, or `"prefill"` for an answer that continues a beginning.

        Example:
            >>> Capabilities().lacking("response_format").schemas
            False
        """
        match field:
            case "response_format" | "text.format":
                return replace(self, schemas=False)
            case "background":
                return replace(self, background=False)
            case "prefill":
                return replace(self, prefill=False)
        return self


_UNKNOWN = Capabilities()
_OPENAI = Capabilities(
    default_api="responses",
    default_model="gpt-5-mini",
    needs_key=True,
    limit_field="max_completion_tokens",
    schemas=True,
    background=True,
)
# Its deployments are of OpenAI's models, whose names need not say which; the newer ones refuse the old name.
_AZURE = Capabilities(limit_field="max_completion_tokens")

_KNOWN = {"api.openai.com": _OPENAI, "openai.azure.com": _AZURE, "cognitiveservices.azure.com": _AZURE}


def capabilities_of(base_url: str) -> Capabilities:
    """What is known of an endpoint before anything has been asked.

    Args:
        base_url: Its address; a subdomain of a known host is that host.

    Example:
        >>> capabilities_of("https://eu.api.openai.com/v1").default_api
        'responses'
        >>> capabilities_of("http://localhost:8000/v1") == Capabilities()
        True
    """
    host = (urlsplit(base_url).hostname or "").split(".")
    suffixes = (".".join(host[start:]) for start in range(len(host)))
    return next((_KNOWN[suffix] for suffix in suffixes if suffix in _KNOWN), _UNKNOWN)


class LearnedCapabilities:
    """Remembers what endpoints and models turned out to support, for the life of the process.

    Example:
        >>> learned = LearnedCapabilities()
        >>> learned.learn("http://localhost:8000/v1", "m", Capabilities(), Capabilities(stream_options=False))
        >>> learned.of("http://localhost:8000/v1", "m").stream_options
        False
        >>> learned.of("http://localhost:8000/v1", "other").stream_options
        True
    """

    def __init__(self) -> None:
        self._learned: dict[tuple[str, str], Capabilities] = {}

    def of(self, base_url: str, model: str) -> Capabilities:
        """What is known, or has been learned, of a model at an endpoint."""
        return self._learned.get((base_url, model)) or capabilities_of(base_url)

    def learn(self, base_url: str, model: str, before: Capabilities, after: Capabilities) -> None:
        """Remember what has turned out about a model at an endpoint, beside what else was learned meanwhile.

        Args:
            base_url: The endpoint's address.
            model: The model's name.
            before: What was assumed.
            after: What proved to be true.
        """
        names = [each.name for each in fields(Capabilities)]
        turned_out = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
        self._learned[base_url, model] = replace(self.of(base_url, model), **turned_out)
