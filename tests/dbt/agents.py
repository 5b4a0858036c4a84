"""The recordings of Codex, Gemini CLI and Copilot CLI, and what they say themselves.

The truth is read from the requests as they came, past everything that stores and models them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agent_analytics_cli.agents import ReadFile, codex, copilot_cli, gemini_cli
from agent_analytics_cli.agents.session_file import SessionFile, Trouble
from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.otlp.messages import parse
from agent_analytics_collector.otlp.values import attributes
from tests.conftest import FIXTURES
from tests.dbt.records import Record, delivered
from tests.dbt.warehouse import HASHER, recorded

Attributes = dict[str, Any]


class Tokens(NamedTuple):
    """Requests of one session and model, and their tokens by disjoint class."""

    requests: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    def plus(self, *tokens: int) -> Tokens:
        return Tokens(*(a + b for a, b in zip(self, (1, *tokens), strict=True)))


Usage = dict[tuple[str, str], Tokens]
"""(session, model as sent) → its requests."""


@dataclass(frozen=True)
class Agent:
    """One agent's recordings: their folder, its own folder in a home, its files' reader."""

    name: str
    fixtures: str
    folder: str
    find: Callable[[Path, Trouble], list[SessionFile]]
    read: ReadFile
    answers: Callable[[Envelope], Iterator[tuple[str, str, tuple[int, ...]]]]
    """Of a request of its telemetry, each answer: session, model, tokens by class."""

    def scenarios(self) -> list[Path]:
        return sorted((FIXTURES / self.fixtures).iterdir())

    def session_records(self, scenario: Path) -> list[Record]:
        trouble = Trouble()
        files = self.find(scenario / "home" / self.folder, trouble)
        records = [record for file in files for record in self.read(file, trouble, None, HASHER)]
        assert records
        assert trouble == Trouble()
        return records

    def session_files(self, scenario: Path) -> Envelope:
        return delivered(Signal.SESSION_RECORDS, self.session_records(scenario))

    def truth(self, scenario: Path) -> Usage:
        usage: Usage = {}
        for envelope in recorded(scenario):
            for session, model, tokens in self.answers(envelope):
                usage[session, model] = usage.get((session, model), Tokens()).plus(*tokens)
        return usage


def _records(envelope: Envelope, signal: Signal) -> Iterator[Any]:
    if envelope.signal is not signal:
        return
    yield from leaves(parse(envelope.signal, envelope.encoding, envelope.body).message, signal)


def leaves(message: Any, signal: Signal) -> Iterator[Any]:
    """Every log record or span of an OTLP message."""
    outer, inner, leaf = {
        Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
        Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    }[signal]
    for resource in getattr(message, outer):
        for scope in getattr(resource, inner):
            yield from getattr(scope, leaf)


def _of_codex(envelope: Envelope) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """telemetry.md 2.4: completion events with tokens; cached and cache writes are in input."""
    for record in _records(envelope, Signal.LOGS):
        told: Attributes = attributes(record.attributes)
        if told.get("event.kind") == "response.completed" and "input_token_count" in told:
            read, written = int(told["cached_token_count"]), int(told["cache_write_token_count"])
            yield (
                told["conversation.id"],
                told["model"],
                (
                    int(told["input_token_count"]) - read - written,
                    read,
                    written,
                    int(told["output_token_count"]),
                    int(told["reasoning_token_count"]),
                ),
            )


def _of_gemini(envelope: Envelope) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """telemetry.md 3.4: cache is in input, thoughts are outside output, tool prompts apart."""
    for record in _records(envelope, Signal.LOGS):
        told: Attributes = attributes(record.attributes)
        if told.get("event.name") == "gemini_cli.api_response":
            read, thoughts = told["cached_content_token_count"], told["thoughts_token_count"]
            yield (
                told["session.id"],
                told["model"],
                (
                    told["input_token_count"] - read + told["tool_token_count"],
                    read,
                    0,
                    told["output_token_count"] + thoughts,
                    thoughts,
                ),
            )


def _of_copilot(envelope: Envelope) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """telemetry.md 4.4: chat spans; cache reads and writes are in input."""
    for span in _records(envelope, Signal.TRACES):
        told: Attributes = attributes(span.attributes)
        if told.get("gen_ai.operation.name") == "chat":
            read = told.get("gen_ai.usage.cache_read.input_tokens", 0)
            written = told.get("gen_ai.usage.cache_write.input_tokens", 0)
            yield (
                told["gen_ai.conversation.id"],
                told["gen_ai.response.model"],
                (
                    told["gen_ai.usage.input_tokens"] - read - written,
                    read,
                    written,
                    told["gen_ai.usage.output_tokens"],
                    told.get("gen_ai.usage.reasoning.output_tokens", 0),
                ),
            )


AGENTS = {
    agent.name: agent
    for agent in (
        Agent(
            "codex",
            "codex",
            ".codex",
            codex.find_session_files,
            codex.read_session_file,
            _of_codex,
        ),
        Agent(
            "gemini_cli",
            "gemini",
            ".gemini",
            gemini_cli.find_session_files,
            gemini_cli.read_session_file,
            _of_gemini,
        ),
        Agent(
            "copilot_cli",
            "copilot",
            ".copilot",
            copilot_cli.find_session_files,
            copilot_cli.read_session_file,
            _of_copilot,
        ),
    )
}

CASES = [(name, scenario.name) for name, agent in AGENTS.items() for scenario in agent.scenarios()]


def scenario_of(agent: str, scenario: str) -> Path:
    return FIXTURES / AGENTS[agent].fixtures / scenario


def telemetry() -> list[Envelope]:
    """All that the three agents sent."""
    return [e for case in CASES for e in recorded(scenario_of(*case))]


def session_files() -> list[Envelope]:
    """All that they left on disk."""
    return [AGENTS[name].session_files(scenario_of(name, scenario)) for name, scenario in CASES]
