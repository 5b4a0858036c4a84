"""A generated history as hooks, importers and the daily blame tell of it, without processes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from benchmarks.history import History

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.session_file import Trouble
from agent_analytics_cli.git.ai_notes import parse_note
from agent_analytics_cli.git.commit_facts import read_commits
from agent_analytics_cli.git.history import new_commits
from agent_analytics_cli.git.notes import changed_notes, notes_tip, read_notes
from agent_analytics_cli.git.repository import Repository, find_repository
from agent_analytics_cli.history import survival
from agent_analytics_cli.history.attribution_records import records
from agent_analytics_collector.envelope import Envelope, Signal
from tests.dbt.records import Record, delivered
from tests.dbt.warehouse import HASHER


def tellings(history: History, now: datetime) -> Iterator[Envelope]:
    """The requests of the API, under the key of the tests."""
    repository = find_repository(history.repository)
    for hashes in new_commits(repository, []):
        payloads = read_commits(repository, hashes, hasher=HASHER).payloads.values()
        commits = [payload | {"recorded_by": "backfill"} for payload in payloads]
        yield delivered(Signal.COMMITS, commits)
    pairs = [
        {"repository": repository.identity, "kind": kind, "old_hash": old, "new_hash": new}
        for kind, old, new in history.rewrites
    ]
    if pairs:
        yield delivered(Signal.REWRITES, pairs)
    yield delivered(Signal.SESSION_RECORDS, _sessions(history))
    yield from _notes(repository)
    alive = [each for _, _, day in survival.measure(repository, HASHER, {}, now) for each in day]
    yield delivered(Signal.LINE_SURVIVAL, [*survival.landed(repository, now), *alive])


def _sessions(history: History) -> Iterator[Record]:
    trouble = Trouble()
    for name in ("claude_code", "codex"):
        reader = READERS[name]
        for file in reader.find(reader.folder(history.user_home), trouble):
            yield from reader.read(file, trouble, None, HASHER)


def _notes(repository: Repository) -> Iterator[Envelope]:
    if tip := notes_tip(repository):
        notes = read_notes(repository, changed_notes(repository, tip))
        attested = [
            parse_note(content, commit_hash, blob)
            for commit_hash, blob, content in notes
            if content
        ]
        for group in records(attested, repository):
            yield delivered(Signal.ATTRIBUTIONS, group.bodies)
