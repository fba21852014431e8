"""What an application has set up: OpenTelemetry with exporters in memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nbstream.streaming.engine import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

PATIENCE = 60.0


def all_told() -> None:
    """Wait until the observers have been told all that has happened."""
    told = threading.Event()
    engine().observers.tell_later(told.set)
    assert told.wait(PATIENCE)


class Exported:
    """What has been traced and measured."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._measured = InMemoryMetricReader()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self._spans))
        self.metering = MeterProvider([self._measured])

    def spans(self) -> list[ReadableSpan]:
        """All spans, in the order in which they began; one within another after it."""
        all_told()
        return sorted(self._spans.get_finished_spans(), key=lambda span: (span.start_time or 0, -(span.end_time or 0)))

    def measured(self) -> dict[str, list[tuple[float, dict[str, Any]]]]:
        """The sum of each series of each metric, with what distinguishes it."""
        all_told()
        data = self._measured.get_metrics_data()
        found: dict[str, list[tuple[float, dict[str, Any]]]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points: Any = metric.data.data_points
                    found[metric.name] = [(point.sum, dict(point.attributes)) for point in points]
        return found

    def close(self) -> None:
        self.tracing.shutdown()
        self.metering.shutdown()


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exported]:
    """An application's providers, which otherwise stay for the whole life of a process."""
    made = Exported()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: made.tracing)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: made.metering)
    yield made
    made.close()
