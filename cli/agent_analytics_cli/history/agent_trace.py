"""Agent Trace records, version 0.1.0 (RFC of January 2026), read and written.

A record's `revision` is the commit that its lines are in. The reference script (`trace-hook.ts`,
2026-02) names the commit before an edit and calls that version 1.0; such records are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec

from agent_analytics_cli.history.attributions import (
    AGENT_TRACE,
    PROVEN_TIERS,
    Attestation,
    Attributed,
    Author,
    Range,
    Unreadable,
    sound_range,
)

VERSION = "0.1.0"
TOOLS = {"claude_code": "claude-code", "gemini_cli": "gemini-cli", "copilot_cli": "copilot-cli"}
"""Names of agents, where ours are others."""
_READ_VERSION = "0.1"
_OURS = "agent-analytics"
_SESSION = "session"
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_PROVIDERS = {
    "claude-": "anthropic", "gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai",
    "codex-": "openai", "gemini-": "google", "grok-": "xai",
}  # fmt: skip
"""As models.dev names them, by how a model's name begins."""


class _Contributor(msgspec.Struct):
    type: Literal["human", "ai", "mixed", "unknown"]
    model_id: str | None = None


class _Range(msgspec.Struct):
    start_line: int
    end_line: int
    contributor: _Contributor | None = None


class _Related(msgspec.Struct):
    type: str
    url: str


class _Conversation(msgspec.Struct):
    ranges: list[_Range]
    url: str | None = None
    contributor: _Contributor | None = None
    related: list[_Related] = []


class _File(msgspec.Struct):
    path: str
    conversations: list[_Conversation]


class _Vcs(msgspec.Struct):
    type: str
    revision: str


class _Tool(msgspec.Struct):
    name: str | None = None


class _Record(msgspec.Struct):
    version: str
    id: str
    files: list[_File]
    vcs: _Vcs | None = None
    tool: _Tool | None = None
    metadata: dict[str, Any] = {}


@dataclass(slots=True)
class Read:
    """Records of one file, and why others were left out, by their number from 1."""

    records: list[Attestation] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)


def read_records(content: bytes) -> Read:
    """A JSON object, an array of them, or JSON Lines; what is no record costs no other."""
    read = Read()
    for number, raw in enumerate(_raw_records(content), 1):
        try:
            read.records.append(_attestation(raw))
        except Unreadable as error:
            read.left_out.append((number, str(error)))
    return read


def record_of(
    commit_hash: str, author: Author, lines: Iterable[Attributed], written_at: datetime
) -> dict[str, Any]:
    """The record of what one session wrote in a commit; `read_records` reads it so."""
    url = f"urn:{_OURS}:session:{quote(author.session_id or '', safe='')}"
    conversation = {
        "url": url,
        "contributor": {"type": author.contributor} | _model_id(author.model),
        "related": [{"type": _SESSION, "url": url}],
    }
    name = f"urn:{_OURS}:{commit_hash}:{author.agent}:{author.session_id}"
    return {
        "version": VERSION,
        "id": str(uuid5(NAMESPACE_URL, name)),
        "timestamp": written_at.isoformat(timespec="seconds"),
        "vcs": {"type": "git", "revision": commit_hash},
        "tool": {"name": TOOLS.get(author.agent or "", author.agent or "unknown")},
        "files": [
            {
                "path": each.path,
                "conversations": [
                    conversation
                    | {
                        "ranges": [
                            {"start_line": first, "end_line": last} for first, last in each.ranges
                        ]
                    }
                ],
            }
            for each in lines
        ],
        "metadata": {_OURS: {"attribution_tier": author.evidence_tier}},
    }


def _raw_records(content: bytes) -> Iterator[msgspec.Raw]:
    """Each as it stands; what is no JSON at all as well."""
    try:
        yield from msgspec.json.decode(content, type=list[msgspec.Raw])
        return
    except msgspec.MsgspecError:
        pass
    try:
        msgspec.json.decode(content)
    except msgspec.MsgspecError:
        yield from (msgspec.Raw(line) for line in content.splitlines() if line.strip())
    else:
        yield msgspec.Raw(content)


def _attestation(raw: msgspec.Raw) -> Attestation:
    try:
        record = msgspec.json.decode(raw, type=_Record)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"no Agent Trace record: {error}") from error
    if not f"{record.version}.".startswith(f"{_READ_VERSION}."):
        raise Unreadable("another version than 0.1")
    if record.vcs is None or record.vcs.type != "git" or not _COMMIT.fullmatch(record.vcs.revision):
        raise Unreadable("no commit of git is named")
    found = Attestation(AGENT_TRACE, record.id, record.version, record.vcs.revision.lower())
    for file in record.files:
        for conversation in file.conversations:
            found.lines += _attributed(record, file.path, conversation)
    return found


def _attributed(record: _Record, path: str, conversation: _Conversation) -> Iterable[Attributed]:
    by_author: dict[Author, list[Range]] = {}
    session_id = _session_id(record, conversation)
    own = record.metadata.get(_OURS)
    tier = own.get("attribution_tier") if isinstance(own, dict) else None
    for each in conversation.ranges:
        contributor = each.contributor or conversation.contributor or _Contributor("unknown")
        author = Author(
            contributor.type,
            record.tool.name if record.tool else None,
            session_id,
            contributor.model_id,
            tier if tier in PROVEN_TIERS else None,
        )
        by_author.setdefault(author, []).append(sound_range(each.start_line, each.end_line))
    return (Attributed(path, author, ranges) for author, ranges in by_author.items())


def _session_id(record: _Record, conversation: _Conversation) -> str | None:
    """The agent's own id, as far as it is told: the end of a URL, without the file's ending."""
    urls = [each.url for each in conversation.related if each.type == _SESSION]
    if conversation.url:
        urls.append(conversation.url)
    for url in urls:
        try:
            end = unquote(re.split("[/:]", urlsplit(url).path.rstrip("/"))[-1])
        except ValueError:
            continue
        if end:
            return end.removesuffix(".jsonl").removesuffix(".json")
    for name in ("session_id", "conversation_id"):
        if isinstance(told := record.metadata.get(name), str) and told:
            return told
    return None


def _model_id(model: str | None) -> dict[str, str]:
    if not model:
        return {}
    for start, provider in _PROVIDERS.items():
        if model.startswith(start):
            return {"model_id": f"{provider}/{model}"}
    return {"model_id": model}
