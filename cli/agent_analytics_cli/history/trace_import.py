"""Imports Agent Trace records of a file, as records of who wrote which lines."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent_analytics_cli.git.repository import Repository
from agent_analytics_cli.history.agent_trace import read_records
from agent_analytics_cli.history.attribution_records import PATH, records
from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.outbound.delivery import deliver_patiently, in_batches
from agent_analytics_collector.errors import AgentAnalyticsError

_MOST_REASONS = 20


class FileUnreadable(AgentAnalyticsError):
    """A file that was named cannot be read."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read: {error.strerror or error}.")


class ImportedFile(msgspec.Struct):
    """What importing one file did."""

    file: str
    records: int
    """Agent Trace records in it."""
    left_out: int
    """Records that could not be read, or that name no commit."""
    accepted: int = 0
    """Parts of them: one for each author and file."""
    duplicate: int = 0
    refused: int = 0
    foreign: int = 0
    """Parts about lines that the commit did not add."""
    reasons: list[str] = []


def import_file(
    path: Path, repository: Repository | None, api: ApiClient, timeout_s: float
) -> ImportedFile:
    """Deliver what the records of a file say of commits, held to `repository` where they are there.

    Raises FileUnreadable, GitFailed, ApiUnreachable, ApiRefused.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileUnreadable(path, error) from error
    read = read_records(content)
    left_out = len(read.left_out)
    outcome = ImportedFile(str(path), len(read.records) + left_out, left_out)
    outcome.reasons = [
        f"record {number}: {reason}" for number, reason in read.left_out[:_MOST_REASONS]
    ]
    for group in records(read.records, repository):
        outcome.foreign += group.foreign
        for batch in in_batches(group.bodies):
            delivered = deliver_patiently(api, PATH, batch, timeout_s)
            outcome.accepted += delivered.accepted
            outcome.duplicate += delivered.duplicate
            outcome.refused += len(delivered.refused)
            outcome.reasons += [
                f"{body['commit_hash'][:10]}: {reason}"
                for body, reason in delivered.refused[: _MOST_REASONS - len(outcome.reasons)]
            ]
    return outcome
