"""git-ai notes, authorship/3.0.0: `refs/notes/ai`, as git-ai 1.4.5 writes them.

A note is a section of files, each with entries `  KEY RANGES`, a line `---` and JSON. A KEY is
`s_…` of `sessions` (with `::t_…`, a checkpoint of it), `h_…` of `humans`, or 7 to 16 hex digits of
`prompts` (older versions). Conversations that older versions keep in `prompts` are not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from agent_analytics_cli.history.attributions import (
    AI,
    GIT_AI,
    HUMAN,
    PROVEN_TIERS,
    Attestation,
    Attributed,
    Author,
    Unreadable,
    format_ranges,
    parse_ranges,
)

VERSION = "authorship/3.0.0"
TIER_ATTRIBUTE = "agent_analytics.attribution_tier"
"""In `custom_attributes` of a session that we exported."""
TOOLS = {"claude_code": "claude", "gemini_cli": "gemini", "copilot_cli": "copilot-cli"}
"""git-ai's names of agents, where ours are others."""

_READ_VERSION = "authorship/3."
_DIVIDER = "---"
_KEY = re.compile(r"[0-9A-Za-z_:.-]{1,200}")
_NEEDS_QUOTES = re.compile(r"\s")


class _AgentId(msgspec.Struct):
    tool: str
    id: str = ""
    model: str = ""


class _Session(msgspec.Struct):
    agent_id: _AgentId
    custom_attributes: dict[str, str] | None = None


class _Metadata(msgspec.Struct):
    schema_version: str
    prompts: dict[str, _Session] = {}
    sessions: dict[str, _Session] = {}


def parse_note(content: bytes, commit_hash: str, note_id: str) -> Attestation:
    """What a note says. Raises Unreadable."""
    text = content.decode("utf-8", "replace")
    section, divider, json_text = f"\n{text}".partition(f"\n{_DIVIDER}\n")
    if not divider:
        raise Unreadable("no line ---")
    try:
        metadata = msgspec.json.decode(json_text.encode(), type=_Metadata)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"metadata that are none: {type(error).__name__}") from error
    if not metadata.schema_version.startswith(_READ_VERSION):
        raise Unreadable("another version than authorship/3")
    found = Attestation(GIT_AI, note_id, metadata.schema_version, commit_hash)
    path: str | None = None
    for line in section.split("\n"):
        if not line.strip():
            continue
        if not line.startswith("  "):
            path = _unquoted(line.rstrip("\r"))
            continue
        key, _, ranges = line.strip().partition(" ")
        if path is None or not _KEY.fullmatch(key):
            raise Unreadable("an entry that is none")
        found.lines.append(Attributed(path, _author(key, metadata), parse_ranges(ranges)))
    return found


def format_note(commit_hash: str, lines: Iterable[Attributed], base_commit: str) -> str:
    """The note that `parse_note` reads so. Raises Unreadable where a path cannot be written."""
    section: list[str] = []
    sessions: dict[str, Any] = {}
    last_path: str | None = None
    for attributed in sorted(lines, key=lambda each: each.path):
        if attributed.path != last_path:
            section.append(_quoted(attributed.path))
            last_path = attributed.path
        key = _session_key(attributed.author)
        checkpoint = sha256(f"{commit_hash}:{key}".encode()).hexdigest()[:14]
        section.append(f"  {key}::t_{checkpoint} {format_ranges(attributed.ranges)}")
        sessions[key] = _session(attributed.author)
    metadata = {
        "schema_version": VERSION,
        "base_commit_sha": base_commit,
        "prompts": {},
        "sessions": sessions,
    }
    return "\n".join([*section, _DIVIDER, json.dumps(metadata, indent=2, ensure_ascii=False)])


def _author(key: str, metadata: _Metadata) -> Author:
    if key.startswith("h_"):
        return Author(HUMAN)
    session = metadata.sessions.get(key.partition("::")[0]) or metadata.prompts.get(key)
    if session is None:  # it stands in the note of another commit
        return Author(AI)
    agent = session.agent_id
    tier = (session.custom_attributes or {}).get(TIER_ATTRIBUTE)
    return Author(
        AI,
        agent.tool or None,
        agent.id or None,
        agent.model or None,
        tier if tier in PROVEN_TIERS else None,
    )


def _session_key(author: Author) -> str:
    tool = TOOLS.get(author.agent or "", author.agent)
    return "s_" + sha256(f"{tool}:{author.session_id}".encode()).hexdigest()[:14]


def _session(author: Author) -> dict[str, Any]:
    session: dict[str, Any] = {
        "agent_id": {
            "tool": TOOLS.get(author.agent or "", author.agent or "unknown"),
            "id": author.session_id or "",
            "model": author.model or "unknown",
        },
        "human_author": None,
    }
    if author.evidence_tier:
        session["custom_attributes"] = {TIER_ATTRIBUTE: author.evidence_tier}
    return session


def _quoted(path: str) -> str:
    if '"' in path or "\n" in path or path == _DIVIDER:
        raise Unreadable("a path that notes cannot hold")
    return f'"{path}"' if _NEEDS_QUOTES.search(path) else path


def _unquoted(line: str) -> str:
    return line[1:-1] if len(line) > 2 and line.startswith('"') and line.endswith('"') else line
