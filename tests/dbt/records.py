"""Session records and commits as importer and hook deliver them over the API."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from agent_analytics_cli.agents.claude_code import read_records
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from tests.dbt.warehouse import HASHER, RECEIVED_AT

Record = dict[str, Any]

_COMMIT = re.compile(
    r"^(?P<sha>[0-9a-f]{40}) (?P<at>\d+) (?P<name>.+) <(?P<email>.+)>\n(?P<message>.*)\n", re.M
)
_FILE = re.compile(r"^(\d+)\t(\d+)\t.+$", re.MULTILINE)


def delivered(
    signal: Signal, records: Iterable[Record], received_at: datetime = RECEIVED_AT
) -> Envelope:
    """A request of the API; empty fields are left out, as the API writes it."""
    body = [{k: v for k, v in record.items() if v is not None} for record in records]
    return Envelope(
        signal,
        Encoding.JSON,
        orjson.dumps(body),
        int(received_at.timestamp()) * 10**9,
        {"x-developer-id": "dev_abc"},
    )


def session_records(scenario: Path) -> list[Record]:
    """What the importer reads of the session files of a recording."""
    return list(read_records(scenario / "home" / ".claude", hasher=HASHER))


def session_files(scenario: Path) -> Envelope:
    return delivered(Signal.SESSION_RECORDS, session_records(scenario))


def recorded_commits(scenario: Path, repository: str) -> list[Record]:
    """What the hook tells of the commits of a recording, the newest first."""
    log = (scenario / "git_log.txt").read_text()
    found = list(_COMMIT.finditer(log))
    ends = [commit.start() for commit in found[1:]] + [len(log)]
    commits = []
    for commit, end in zip(found, ends, strict=True):
        files = _FILE.findall(log[commit.end() : end])
        commits.append(
            {
                "commit_hash": commit["sha"],
                "timestamp": int(commit["at"]),
                "authored_at": int(commit["at"]),
                "commit_message": commit["message"],
                "author_name": commit["name"],
                "author_email": commit["email"],
                "files_changed": len(files),
                "lines_added": sum(int(added) for added, _ in files),
                "lines_deleted": sum(int(deleted) for _, deleted in files),
                "repository": repository,
                "branch": "main",
                "is_merge": False,
                "recorded_by": "hook",
            }
        )
    return commits
