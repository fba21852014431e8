"""The names of OpenTelemetry's semantic conventions for generative AI, and what of a stream goes by them.

Source: the conventions as of version 1.41, the last before they moved to a repository of their own; status development.
The names are written out, because the package that lists them renames and drops them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbstream.telemetry.content import answered, asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.outcome import Round
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = [
    "DURATION",
    "SECONDS",
    "TIME_TO_FIRST_CHUNK",
    "TOKENS",
    "TOKEN_USAGE",
    "content_attributes",
    "request_attributes",
    "response_attributes",
]

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105  the name of a metric
DURATION = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"

TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""The bounds of the buckets for tokens, which the conventions give."""
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Those for times."""

# Who provides the model, as the conventions call it; a server that is not known is asked in OpenAI's way.
_PROVIDERS = {
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "deepseek.com": "deepseek",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
    "anthropic.com": "anthropic",
    "cohere.ai": "cohere",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
}

_PARAMETERS = {
    "top_p": "gen_ai.request.top_p",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
}


def request_attributes(request: StreamRequest) -> dict[str, Any]:
    """What is known before a request is sent: neither content nor the key.

    Args:
        request: It.
    """
    where = urlsplit(request.endpoint.base_url)
    stop = request.params.get("stop")
    several = request.params.get("n")
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider(where.hostname or ""),
        "gen_ai.request.model": request.model,
        "gen_ai.request.stream": request.stream,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.stop_sequences": [stop] if isinstance(stop, str) else stop,
        "gen_ai.request.choice.count": several if several != 1 else None,
        "gen_ai.output.type": "text" if request.schema is None else "json",
        "openai.api.type": "responses" if request.api == "responses" else "chat_completions",
        "server.address": where.hostname,
        "server.port": _port(request.endpoint.base_url),
        **{name: request.params.get(field) for field, name in _PARAMETERS.items()},
    }
    return _legal(attributes)


def response_attributes(answer: Round) -> dict[str, Any]:
    """What is known once a request is answered.

    Args:
        answer: How it was.
    """
    usage = answer.usage
    attributes = {
        "gen_ai.response.model": answer.model,
        "gen_ai.response.id": answer.response_id,
        "gen_ai.response.finish_reasons": [answer.finish_reason] if answer.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": answer.timing.ttft,
        "nbstream.state": str(answer.state),
        "nbstream.request_id": answer.request_id,
        "nbstream.replayed": True if answer.recorded_at is not None else None,
    }
    if usage is not None:
        attributes |= {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        }
    return _legal(attributes)


def content_attributes(request: StreamRequest, result: StreamResult | None) -> dict[str, Any]:
    """What was asked and answered, as JSON.

    Args:
        request: What was asked.
        result: How it was answered, if that is known of this request.
    """
    question = asked(request)
    messages = [_message(each) for each in question.get("messages", ())]
    attributes = {"gen_ai.input.messages": _json(messages)}
    if request.system:
        attributes["gen_ai.system_instructions"] = _json([{"type": "text", "content": question.get("system", "")}])
    if result is not None:
        attributes["gen_ai.output.messages"] = _json([_answer(result)])
    return attributes


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    return {
        "role": str(message.get("role", "user")),
        "parts": [{"type": "text", "content": each} if isinstance(each, str) else each for each in parts if each],
    }


def _answer(result: StreamResult) -> dict[str, Any]:
    said = answered(result)
    parts = [{"type": kind, "content": said[name]} for name, kind in _KINDS.items() if name in said]
    parts += [{"type": "tool_call", **each} for each in said.get("tool_calls", ())]
    return {"role": "assistant", "parts": parts, "finish_reason": result.finish_reason or "error"}


_KINDS = {"reasoning": "reasoning", "text": "text", "refusal": "text"}


def _provider(host: str) -> str:
    return next((name for end, name in _PROVIDERS.items() if host == end or host.endswith(f".{end}")), "openai")


def _port(url: str) -> int | None:
    where = urlsplit(url)
    return where.port or {"https": 443, "http": 80}.get(where.scheme)


def _legal(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that OpenTelemetry takes: plain values, and lists of strings."""
    return {
        name: value
        for name, value in attributes.items()
        if isinstance(value, str | bool | int | float)
        or (isinstance(value, list) and value and all(isinstance(each, str) for each in value))
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
