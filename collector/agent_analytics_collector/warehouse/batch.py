"""Spooled requests → Arrow tables for the raw tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

import orjson
import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from agent_analytics_collector.envelope import DEVELOPER_HEADER, OTLP_SIGNALS, Envelope
from agent_analytics_collector.errors import Undecodable
from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.otlp import logs, metrics, spans
from agent_analytics_collector.otlp.check import POINT_FAULTS, log_fault, points, span_fault
from agent_analytics_collector.otlp.messages import Request, parse
from agent_analytics_collector.otlp.origin import origin
from agent_analytics_collector.privacy.pseudonyms import Pseudonyms
from agent_analytics_collector.scrub.columns import scrubbed_table
from agent_analytics_collector.text_policy import TextPolicy
from agent_analytics_collector.warehouse import api_rows
from agent_analytics_collector.warehouse.api_rows import COMMIT_FILES
from agent_analytics_collector.warehouse.columns import REJECTED, TABLES, Row, to_table

_TIMES = (
    "time_unix_nano",
    "start_time_unix_nano",
    "end_time_unix_nano",
    "observed_time_unix_nano",
)


class RawBatch:
    """Rows of several requests, as columns when they are asked for."""

    def __init__(
        self,
        *,
        include_text: bool = False,
        text_developers: Collection[str] | None = None,
        hasher: LineHasher | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        """`include_text` keeps the text of all developers, or of `text_developers` alone."""
        self._without_text = TextPolicy(include_text=False, hasher=hasher, pseudonyms=pseudonyms)
        self._with_text = TextPolicy(include_text=True, hasher=hasher, pseudonyms=pseudonyms)
        self._include_text, self._text_developers = include_text, text_developers
        self._rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._rejected: list[Row] = []
        self.repaired_strings = 0
        """Strings that were no valid Unicode."""

    @property
    def records(self) -> int:
        """Records received, rejected ones among them; an undecodable request counts as one."""
        counted = (len(rows) for name, rows in self._rows.items() if name != COMMIT_FILES)
        return len(self._rejected) + sum(counted)

    @property
    def rejected(self) -> int:
        return len(self._rejected)

    @property
    def dropped_attributes(self) -> int:
        """Long values under names that no list knows, left out by the text policy."""
        return self._without_text.dropped

    def add(self, envelope: Envelope) -> None:
        """Decode one request. Whatever it holds, its good records become rows."""
        if envelope.signal not in OTLP_SIGNALS:
            self._add_api_records(envelope)
            return
        try:
            parsed = parse(envelope.signal, envelope.encoding, envelope.body)
        except Undecodable as error:
            self._reject(envelope, str(error), {"bytes": len(envelope.body)})
            return
        self.repaired_strings += parsed.repaired_strings
        self._decode(parsed.message, envelope)

    def _add_api_records(self, envelope: Envelope) -> None:
        policy = self._policy_for(envelope)
        for index, record in enumerate(orjson.loads(envelope.body)):
            try:
                found = list(api_rows.rows(record, envelope, policy))
            except Exception as error:  # a bug of ours costs this record, not its neighbours
                reason = f"not decodable: {type(error).__name__}"
                self._reject(envelope, reason, {"index": index})
            else:
                for table, row in found:
                    self._rows[table].append(row)

    def tables(self) -> dict[str, pa.Table]:
        """The raw tables' new rows by table, secrets filtered; tables without any are left out."""
        return {
            name: scrubbed_table(to_table(TABLES[name], rows))
            for name, rows in self._rows.items()
            if rows
        }

    def rejected_table(self) -> pa.Table | None:
        """Rows of `raw_rejected` but for `batch_id`; None when nothing was rejected."""
        return scrubbed_table(to_table(REJECTED, self._rejected)) if self._rejected else None

    def _policy_for(self, envelope: Envelope) -> TextPolicy:
        if not self._include_text:
            return self._without_text
        asked = self._text_developers
        opted_in = asked is None or envelope.headers.get(DEVELOPER_HEADER, "").strip() in asked
        return self._with_text if opted_in else self._without_text

    def _decode(self, message: Request, envelope: Envelope) -> None:
        policy = self._policy_for(envelope)
        if isinstance(message, ExportLogsServiceRequest):
            for resource in message.resource_logs:
                for scope in resource.scope_logs:
                    home = origin(resource.resource, scope.scope, envelope, policy)
                    self._add_rows(
                        "raw_otel_logs",
                        scope.log_records,
                        log_fault,
                        partial(logs.log_row, home, policy),
                        envelope,
                    )
        elif isinstance(message, ExportMetricsServiceRequest):
            for group in message.resource_metrics:
                for scoped in group.scope_metrics:
                    home = origin(group.resource, scoped.scope, envelope, policy)
                    for metric in scoped.metrics:
                        kind, found = points(metric)
                        if kind is not None:
                            rows = metrics.MetricRows(metric, kind, home, policy)
                            self._add_rows(
                                "raw_otel_metrics",
                                found,
                                POINT_FAULTS[kind],
                                rows.row,
                                envelope,
                                metric.name,
                            )
        else:
            for entry in message.resource_spans:
                for part in entry.scope_spans:
                    home = origin(entry.resource, part.scope, envelope, policy)
                    self._add_rows(
                        "raw_otel_spans",
                        part.spans,
                        span_fault,
                        partial(spans.span_row, home, policy),
                        envelope,
                    )

    def _add_rows(
        self,
        table: str,
        records: Iterable[Any],
        fault_of: Callable[[Any], str | None],
        row_of: Callable[[Any], Row],
        envelope: Envelope,
        name: str | None = None,
    ) -> None:
        append = self._rows[table].append
        for record in records:
            fault = fault_of(record)
            if fault is None:
                try:
                    append(row_of(record))
                except Exception as error:  # a bug of ours costs this record, not its neighbours
                    fault = f"not decodable: {type(error).__name__}"
            if fault is not None:
                self._reject(envelope, fault, self._outline(record, name))

    def _reject(self, envelope: Envelope, reason: str, record: dict[str, object]) -> None:
        created_at = envelope.received_at_ns // 1000
        self._rejected.append((envelope.signal.value, reason, orjson.dumps(record), created_at))

    def _outline(self, record: Any, name: str | None) -> dict[str, object]:
        """What may be kept of a rejected record: its name, its times, its attributes' names."""
        fields = record.DESCRIPTOR.fields_by_name
        own = getattr(record, "event_name" if "event_name" in fields else "name", "")
        policy = self._without_text
        outline: dict[str, object] = {"name": policy.name(name or own)}
        outline |= {field: getattr(record, field) for field in _TIMES if field in fields}
        outline["attributes"] = [policy.name(pair.key) for pair in record.attributes]
        return outline
