"""Recordings of which each answer has tokens of its own, so that a wrong pairing shows.

All answers that were recorded of Codex, Gemini CLI and Copilot CLI have the tokens of one reply.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.otlp.messages import parse
from agent_analytics_collector.otlp.values import attributes
from tests.dbt.agents import Agent, leaves
from tests.dbt.records import Record
from tests.dbt.warehouse import recorded

_TOKENS = re.compile(r"(_token_count$|^gen_ai\.usage\.|_tokens$)")
_SESSIONS = ("conversation.id", "session.id", "gen_ai.conversation.id")


def varied(agent: Agent, scenario: Path) -> tuple[list[Envelope], list[Record]]:
    """Telemetry and session file of which a session's n-th answer has n times its tokens.

    Sessions, answers and traces have other ids than the recorded ones. What the agent asks for
    itself is in no file and stays as it is. Tool calls and prompts are left out of the file.
    """
    told = [r for r in agent.session_records(scenario) if r["kind"] == "request"]
    ids = {r["session_id"] for r in told} | {r["payload"]["request_id"] for r in told}
    answered: Counter[str] = Counter()
    telemetry = [
        replace(e, encoding=Encoding.PROTOBUF, body=_renamed(_multiplied(e, answered), ids))
        for e in recorded(scenario)
        if e.signal is not Signal.METRICS
    ]
    places = {r["payload"]["request_id"]: 0 for r in told}
    counted: Counter[str] = Counter()
    for record in told:
        payload = record["payload"]
        if not places[payload["request_id"]]:
            counted[record["session_id"]] += 1
            places[payload["request_id"]] = counted[record["session_id"]]
        for name in filter(_TOKENS.search, payload):
            payload[name] *= places[payload["request_id"]]
    return telemetry, orjson.loads(_renamed(orjson.dumps(told), ids))


def _multiplied(envelope: Envelope, answered: Counter[str]) -> bytes:
    message: Any = parse(envelope.signal, envelope.encoding, envelope.body).message
    for leaf in leaves(message, envelope.signal):
        if envelope.signal is Signal.TRACES:
            leaf.trace_id = leaf.trace_id[::-1]
        told: dict[str, Any] = attributes(leaf.attributes)
        is_answer = "input_token_count" in told or told.get("gen_ai.operation.name") == "chat"
        if is_answer and not str(told.get("role")).startswith("utility"):
            session = next(str(told[name]) for name in _SESSIONS if name in told)
            answered[session] += 1
            for pair in leaf.attributes:
                if _TOKENS.search(pair.key):
                    kind = pair.value.WhichOneof("value")
                    value = getattr(pair.value, kind)
                    setattr(pair.value, kind, type(value)(int(value) * answered[session]))
    body: bytes = message.SerializeToString()
    return body


def _renamed(body: bytes, ids: set[str]) -> bytes:
    """With the last character of each id changed, because lengths are written down in protobuf."""
    for name in ids:
        body = body.replace(name.encode(), f"{name[:-1]}{'0' if name[-1] != '0' else '1'}".encode())
    return body
