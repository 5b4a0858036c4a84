"""Imports git-ai notes of a repository: those that are new, as records of who wrote which lines."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from agent_analytics_cli.git.ai_notes import parse_note
from agent_analytics_cli.git.notes import MOST_BYTES, changed_notes, notes_tip, read_notes
from agent_analytics_cli.git.repository import Repository
from agent_analytics_cli.history.attribution_records import PATH, records
from agent_analytics_cli.history.attributions import Attestation, Unreadable
from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.outbound.delivery import deliver_patiently, in_batches

_MOST_REASONS = 20


class ImportedNotes(msgspec.Struct):
    """What importing the notes of one repository did."""

    notes: int = 0
    """New or changed ones that say who wrote something."""
    accepted: int = 0
    """Records of them: one for each author and file."""
    duplicate: int = 0
    refused: int = 0
    damaged: int = 0
    """Notes that could not be read."""
    foreign: int = 0
    """Parts of notes about lines that the commit did not add."""
    tip: str | None = None
    """Up to where notes are delivered now."""
    reasons: list[str] = []


def import_notes(
    repository: Repository, api: ApiClient, known_tip: str | None, timeout_s: float
) -> ImportedNotes:
    """Deliver what notes say that changed since `known_tip`.

    Raises GitFailed, ApiUnreachable, ApiRefused.
    """
    outcome = ImportedNotes(tip=notes_tip(repository))
    if outcome.tip is None or outcome.tip == known_tip:
        return outcome
    changed = changed_notes(repository, outcome.tip, known_tip)
    for group in records(_parsed(repository, changed, outcome), repository):
        outcome.foreign += group.foreign
        for batch in in_batches(group.bodies):
            delivered = deliver_patiently(api, PATH, batch, timeout_s)
            outcome.accepted += delivered.accepted
            outcome.duplicate += delivered.duplicate
            outcome.refused += len(delivered.refused)
            for body, reason in delivered.refused:
                _note(outcome, body["commit_hash"], reason)
    return outcome


def _parsed(
    repository: Repository, changed: dict[str, str], outcome: ImportedNotes
) -> Iterator[Attestation]:
    for commit_hash, blob, content in read_notes(repository, changed):
        try:
            if content is None:
                raise Unreadable(f"gone, or larger than {MOST_BYTES:,} bytes")
            attestation = parse_note(content, commit_hash, blob)
        except Unreadable as error:
            outcome.damaged += 1
            _note(outcome, commit_hash, str(error))
            continue
        outcome.notes += bool(attestation.lines)
        yield attestation


def _note(outcome: ImportedNotes, commit_hash: str, reason: str) -> None:
    if len(outcome.reasons) < _MOST_REASONS:
        outcome.reasons.append(f"note of {commit_hash[:10]}: {reason}")
