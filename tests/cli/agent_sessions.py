"""Folders of session files that a test fills, and what the recordings of an agent say."""

from __future__ import annotations

import json
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent_analytics_cli.agents.session_file import Record, Trouble

FIXTURES = Path(__file__).parents[1] / "fixtures"
SHA = "88247cc69e4061af98a05d011ca3d0ed688f7300"


def recorded(agent: str) -> list[str]:
    """The scenarios with session files."""
    return sorted(at.name for at in (FIXTURES / agent).iterdir() if (at / "home").is_dir())


def telemetry(agent: str, scenario: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, attributes) of the log records and spans that were sent in a scenario."""
    for file in sorted((FIXTURES / agent / scenario).iterdir()):
        message: ExportLogsServiceRequest | ExportTraceServiceRequest
        if "-logs" in file.name:
            message = ExportLogsServiceRequest()
        elif "-traces" in file.name:
            message = ExportTraceServiceRequest()
        else:
            continue
        if file.suffix == ".pb":
            message.ParseFromString(file.read_bytes())
            told = MessageToDict(message)
        else:
            told = json.loads(file.read_bytes())
        for resource in told.get("resourceLogs", []) + told.get("resourceSpans", []):
            for scope in resource.get("scopeLogs", []) + resource.get("scopeSpans", []):
                for record in scope.get("logRecords", []) + scope.get("spans", []):
                    attributes = {
                        pair["key"]: next(iter(pair["value"].values()), None)
                        for pair in record.get("attributes", [])
                    }
                    yield record.get("name") or str(attributes.get("event.name")), attributes


def sums(rows: Iterator[dict[str, Any]], names: dict[str, str]) -> Counter[str]:
    """Sums of the values named by `names`, under the names they stand for."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update({ours: int(row.get(theirs) or 0) for theirs, ours in names.items()})
        found["requests"] += 1
    return found


def requests(records: list[Record], names: dict[str, str]) -> Counter[str]:
    """The same of request records; those that are alike are one, as in the store."""
    payloads = {json.dumps(each["payload"]) for each in records if each["kind"] == "request"}
    return sums(map(json.loads, payloads), {name: name for name in names.values()})


@dataclass
class Sessions:
    """An agent's folder, filled by the test."""

    agent: types.ModuleType
    folder: Path
    name: str
    """Path of the session file that `read` writes."""
    trouble: Trouble = field(default_factory=Trouble)

    def write(self, *lines: Any, name: str | None = None) -> Path:
        """A session file; bytes are written as they are."""
        path = self.folder / (name or self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines_of(*lines))
        return path

    def all(self) -> list[Record]:
        """The records of all files."""
        found = self.agent.find_session_files(self.folder, self.trouble)
        return [
            record
            for file in found
            for record in self.agent.read_session_file(file, self.trouble)
        ]  # fmt: skip

    def read(self, *lines: Any, name: str | None = None) -> list[Record]:
        """The records of a file of these lines."""
        self.write(*lines, name=name)
        return self.all()

    def payloads(self, *lines: Any) -> dict[str, list[dict[str, Any]]]:
        """Payloads by kind."""
        found: dict[str, list[dict[str, Any]]] = {}
        for record in self.read(*lines):
            found.setdefault(record["kind"], []).append(record["payload"])
        return found


def lines_of(*lines: Any) -> bytes:
    return b"".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines
    )


class Canaries:
    """Words that must not be found again; each stands in a sentence of its own."""

    def __init__(self) -> None:
        self.planted: list[str] = []

    def __call__(self, before: str = "") -> str:
        self.planted.append(f"{before}canary{len(self.planted)} is secret prose")
        return self.planted[-1]

    def found_in(self, records: list[Record]) -> list[str]:
        said = json.dumps(records)
        return [word for word in self.planted if word.split()[0] in said or "secret" in said]
