"""OpenTelemetry's metrics of requests: tokens, duration, time to the first chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.telemetry.conventions import DURATION, SECONDS, TIME_TO_FIRST_CHUNK, TOKEN_USAGE, TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import Meter

    from nbstream.outcome import Round

__all__ = ["Meters"]

# What distinguishes measurements; what else a span says would make a series of its own for each request.
_DIMENSIONS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "server.address",
    "server.port",
)


class Meters:
    """Measures requests.

    Args:
        meter: Makes the instruments; those that exist already are the same ones again.
    """

    def __init__(self, meter: Meter) -> None:
        self._tokens = meter.create_histogram(
            TOKEN_USAGE, "{token}", "Tokens of prompts and answers", explicit_bucket_boundaries_advisory=TOKENS
        )
        self._duration = meter.create_histogram(
            DURATION, "s", "From sending a request to its end", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._first_chunk = meter.create_histogram(
            TIME_TO_FIRST_CHUNK, "s", "Until the answer begins", explicit_bucket_boundaries_advisory=SECONDS
        )

    def measure(self, attributes: Mapping[str, Any], answer: Round, seconds: float, error: str | None) -> None:
        """Measure a request that has ended.

        Args:
            attributes: What its span says of what was asked.
            answer: How it was answered. What was played from a recording has used no tokens.
            seconds: How long it took.
            error: What went wrong, in a word.
        """
        known = {name: attributes[name] for name in _DIMENSIONS if name in attributes}
        if answer.model is not None:
            known["gen_ai.response.model"] = answer.model
        if answer.usage is not None and answer.recorded_at is None:
            self._tokens.record(answer.usage.input_tokens, {**known, "gen_ai.token.type": "input"})
            self._tokens.record(answer.usage.output_tokens, {**known, "gen_ai.token.type": "output"})
        self._duration.record(max(0.0, seconds), {**known, "error.type": error} if error else known)
        if answer.timing.ttft is not None and attributes.get("gen_ai.request.stream"):
            self._first_chunk.record(answer.timing.ttft, known)
