"""What this process counts and times by itself, for `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from agent_analytics_collector.edge.serving import API, OTLP_HTTP
from agent_analytics_collector.envelope import Signal

disable_created_metrics()  # type: ignore[no-untyped-call]  # else each counter has a second series, which nobody asks for

_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
_API_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_OTLP_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Measurements:
    """Instruments of one collector, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "agent_analytics_http_requests", "HTTP requests that were answered.",
            ("port", "method", "route", "status"), registry=self.registry,
        )  # fmt: skip
        self._api_seconds = Histogram(
            "agent_analytics_api_request_duration_seconds",
            "Time to the end of an answer of the API, by route; quantiles are made of it.",
            ("method", "route"), buckets=_API_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._otlp_seconds = Histogram(
            "agent_analytics_otlp_accept_duration_seconds",
            "Time until an OTLP request was durable, over gRPC and HTTP.",
            ("signal",), buckets=_OTLP_SECONDS, registry=self.registry,
        )  # fmt: skip

    def api_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a template, "" where there is no such route."""
        self._count(API, method, route, status)
        self._api_seconds.labels(_known(method), route).observe(seconds)

    def otlp_http_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._count(OTLP_HTTP, method, route, status)

    def otlp_accepted(self, signal: Signal, seconds: float) -> None:
        self._otlp_seconds.labels(signal.value).observe(seconds)

    def _count(self, port: str, method: str, route: str, status: int) -> None:
        self._requests.labels(port, _known(method), route, str(status)).inc()


def _known(method: str) -> str:
    """A sender can make methods up; each would be a time series."""
    return method if method in _METHODS else "other"
