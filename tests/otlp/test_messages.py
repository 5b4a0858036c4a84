"""From bytes to messages: both encodings, what is mended and what is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent_analytics_collector.envelope import OTLP_SIGNALS, Encoding, Envelope, Signal
from agent_analytics_collector.errors import Undecodable
from agent_analytics_collector.otlp.check import check
from agent_analytics_collector.otlp.messages import parse, sniff_signal

from .recordings import TIME, count, decoded, envelope, log, logs, recorded, rows

FIXTURES = Path(__file__).parents[1] / "fixtures"
RECORDED = list(recorded(FIXTURES))
SMALL = [one for one in RECORDED if len(one.body) < 20_000][::5]


def parse_json(document: Any, signal: Signal = Signal.LOGS) -> Any:
    return parse(signal, Encoding.JSON, json.dumps(document).encode()).message


def log_json(**fields: Any) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [fields]}]}]}


def to_otlp_json(message: Any) -> bytes:
    """OTLP/JSON of a message, by another way than the code under test: Google's, ids mended."""

    def mend(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mend(key, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [mend(name, one) for one in value]
        is_id = name in ("traceId", "spanId", "parentSpanId")
        return base64.b64decode(value).hex() if is_id else value

    document = MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(mend("", document)).encode()


def test_every_recording_is_one_signal_with_records() -> None:
    assert len(RECORDED) > 100
    for one in RECORDED:
        parsed = parse(one.signal, one.encoding, one.body)
        assert count(parsed.message) > 0
        assert parsed.repaired_strings == 0


@pytest.mark.parametrize("signal", OTLP_SIGNALS)
def test_json_and_protobuf_of_a_recording_are_the_same_rows(signal: Signal) -> None:
    for one in [one for one in RECORDED if one.signal is signal][::4]:
        message = parse(one.signal, one.encoding, one.body).message
        as_json = Envelope(signal, Encoding.JSON, to_otlp_json(message), one.received_at_ns)
        assert rows(decoded(as_json), signal) == rows(decoded(envelope(message)), signal)


def test_the_signal_of_every_recording_is_told_without_a_path() -> None:
    for one in RECORDED:
        assert sniff_signal(one.encoding, one.body) is one.signal


def test_an_empty_request_without_a_path_passes_as_logs() -> None:
    assert sniff_signal(Encoding.PROTOBUF, b"") is Signal.LOGS
    assert sniff_signal(Encoding.JSON, b"{}") is Signal.LOGS


@pytest.mark.parametrize(
    ("encoding", "body"),
    [(Encoding.PROTOBUF, b"\x08\x01"), (Encoding.PROTOBUF, b"<html>"), (Encoding.JSON, b'{"a":1}')],
)
def test_a_request_that_tells_no_signal_is_refused(encoding: Encoding, body: bytes) -> None:
    with pytest.raises(Undecodable, match="/v1/logs"):
        sniff_signal(encoding, body)


def test_an_invalid_string_is_mended_and_its_neighbours_stay() -> None:
    body = logs(log({"name": "AAAA"}), log({"name": "fine"})).SerializeToString()
    broken = body.replace(b"AAAA", b"\xff\xfeAB")
    parsed = parse(Signal.LOGS, Encoding.PROTOBUF, broken)
    assert parsed.repaired_strings == 1
    batch = decoded(Envelope(Signal.LOGS, Encoding.PROTOBUF, broken, 1))
    assert batch.repaired_strings == 1
    assert [json.loads(row["attributes"])["name"] for row in rows(batch)] == ["��AB", "fine"]


def test_a_lone_surrogate_and_bad_bytes_in_json_are_mended() -> None:
    body = json.dumps(log_json(attributes=[{"key": "a", "value": {"stringValue": "x\ud800y"}}]))
    parsed = parse(Signal.LOGS, Encoding.JSON, body.encode())
    assert parsed.repaired_strings == 1
    raw = body.replace("\\ud800", "AA").encode().replace(b"AA", b"\xff")
    assert parse(Signal.LOGS, Encoding.JSON, raw).message == parsed.message


@pytest.mark.parametrize("number", [5, "5", 5.0])
def test_integers_in_json_are_numbers_or_strings(number: object) -> None:
    value = {"intValue": number}
    message = parse_json(log_json(attributes=[{"key": "n", "value": value}], timeUnixNano=number))
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    assert record.time_unix_nano == 5
    assert record.attributes[0].value.int_value == 5


def test_ids_in_json_are_hex_and_other_bytes_base64() -> None:
    value = {"bytesValue": "AP8="}
    record = (
        parse_json(log_json(traceId="0AFF", body=value))
        .resource_logs[0]
        .scope_logs[0]
        .log_records[0]
    )
    assert record.trace_id == b"\x0a\xff"
    assert record.body.bytes_value == b"\x00\xff"


@pytest.mark.parametrize("moment", [-1, 2**64, "99999999999999999999"])
def test_a_time_that_is_none_costs_its_own_record_in_json_too(moment: int | str) -> None:
    records = [{"timeUnixNano": moment}, {"timeUnixNano": "1"}]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    checked = check(Signal.LOGS, parse(Signal.LOGS, Encoding.JSON, body).message)
    assert (checked.records, checked.rejected) == (2, 1)


def test_an_id_that_is_none_is_left_out_in_json() -> None:
    records = [{"timeUnixNano": "1", "traceId": "no hex", "spanId": "0102030405060708"}]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    message = parse(Signal.LOGS, Encoding.JSON, body).message
    assert isinstance(message, ExportLogsServiceRequest)
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    assert (record.trace_id, record.span_id.hex()) == (b"", "0102030405060708")


@pytest.mark.parametrize(
    "fields",
    [
        {"severityNumber": "SEVERITY_NUMBER_INFO"},
        {"severityNumber": "9"},
        {"severityText": 3},
        {"timeUnixNano": "soon"},
        {"timeUnixNano": 1.5},
        {"timeUnixNano": True},
        {"body": {"boolValue": 1}},
        {"body": {"doubleValue": "much"}},
        {"body": {"intValue": 2**63}},
        {"body": []},
        {"attributes": {}},
        {"attributes": ["a"]},
    ],
)
def test_json_of_the_wrong_type_is_refused_without_quoting_it(fields: dict[str, Any]) -> None:
    with pytest.raises(Undecodable, match="no OTLP/JSON") as caught:
        parse_json(log_json(**fields))
    assert "soon" not in str(caught.value)
    assert "much" not in str(caught.value)


def test_unknown_names_and_nulls_in_json_are_ignored() -> None:
    message = parse_json(
        log_json(timeUnixNano="7", severity_text="no", novelty={"a": 1}, body=None)
    )
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    assert record.time_unix_nano == 7
    assert not record.severity_text
    assert not record.HasField("body")


def test_empty_values_in_json_are_what_they_are_in_protobuf() -> None:
    values = [{"stringValue": ""}, {"arrayValue": {}}, {"kvlistValue": {}}, {}, {"intValue": 0}]
    pairs = [{"key": str(i), "value": value} for i, value in enumerate(values)]
    message = parse_json(log_json(attributes=pairs, timeUnixNano=TIME))
    row = rows(decoded(envelope(message)))[0]
    assert json.loads(row["attributes"]) == {"0": "", "1": [], "2": {}, "3": None, "4": 0}


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b'"x"', b"\xff", b'{"resourceLogs":3}'])
def test_what_is_no_json_request_is_refused(body: bytes) -> None:
    with pytest.raises(Undecodable):
        parse(Signal.LOGS, Encoding.JSON, body)


def test_json_nested_without_end_is_refused_and_not_a_crash() -> None:
    with pytest.raises(Undecodable):
        parse(Signal.LOGS, Encoding.JSON, b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


@pytest.mark.parametrize("kind", ["array", "kvlist"])
@pytest.mark.parametrize("depth", [29, 30, 31, 100, 200])
def test_a_deep_value_costs_no_neighbour_and_is_the_same_in_both_encodings(
    kind: str, depth: int
) -> None:
    inner: Any = {"stringValue": "deepest"}
    raw = b"\x0a\x07deepest"
    for _ in range(depth):
        if kind == "array":
            inner = {"arrayValue": {"values": [inner]}}
            raw = b"\x2a" + sized(b"\x0a" + sized(raw))
        else:
            inner = {"kvlistValue": {"values": [{"key": "k", "value": inner}]}}
            raw = b"\x32" + sized(b"\x0a" + sized(b"\x0a\x01k\x12" + sized(raw)))
    document = log_json(attributes=[{"key": "deep", "value": inner}], timeUnixNano=str(TIME))
    pair = b"\x0a\x04deep\x12" + sized(raw)
    record = b"\x09" + TIME.to_bytes(8, "little") + b"\x32" + sized(pair)
    body = b"\x0a" + sized(b"\x12" + sized(b"\x12" + sized(record) + b"\x12" + sized(b"")))
    of_json = rows(decoded(Envelope(Signal.LOGS, Encoding.JSON, json.dumps(document).encode(), 1)))
    of_protobuf = rows(decoded(Envelope(Signal.LOGS, Encoding.PROTOBUF, body, 1)))
    assert len(of_protobuf) == 2
    assert of_json[0] == of_protobuf[0]
    assert ("deepest" in of_json[0]["attributes"]) == (depth <= 30)


def sized(body: bytes) -> bytes:
    """The bytes with their length before them, as protobuf's varint."""
    length, prefix = len(body), b""
    while length > 127:
        prefix += bytes([length & 127 | 128])
        length >>= 7
    return prefix + bytes([length]) + body


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_requests_are_rows_or_refused_and_nothing_else(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(SMALL))
    body = bytearray(one.body)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    mutated = Envelope(one.signal, one.encoding, bytes(body), 1)
    batch = decoded(mutated)
    batch.tables()
    batch.rejected_table()
    try:
        message = parse(mutated.signal, mutated.encoding, mutated.body).message
    except Undecodable:
        assert (batch.records, batch.rejected) == (1, 1)
    else:
        assert batch.records == count(message)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(Encoding), st.sampled_from(OTLP_SIGNALS))
def test_any_bytes_are_parsed_or_undecodable(
    body: bytes, encoding: Encoding, signal: Signal
) -> None:
    refused = 0
    for attempt in (lambda: parse(signal, encoding, body), lambda: sniff_signal(encoding, body)):
        try:
            attempt()
        except Undecodable:
            refused += 1
    assert refused <= 2


def test_a_request_of_another_signal_is_not_taken_for_logs() -> None:
    spans = ExportTraceServiceRequest()
    span = spans.resource_spans.add().scope_spans.add().spans.add(name="chat")
    span.trace_id, span.span_id, span.start_time_unix_nano = b"t" * 16, b"s" * 8, TIME
    assert sniff_signal(Encoding.PROTOBUF, spans.SerializeToString()) is Signal.TRACES
    assert isinstance(parse(Signal.LOGS, Encoding.PROTOBUF, b"").message, ExportLogsServiceRequest)
