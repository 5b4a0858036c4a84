"""One commit whole: what git and the marts know of it, and how that reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agent_analytics_cli.reports.commit_evidence import FACTS
from agent_analytics_cli.shares import percent, share, usd
from agent_analytics_cli.tables import Column, Kind, as_text
from agent_analytics_cli.tiers import MEANINGS, TIERS

SESSION_COLUMNS = (
    Column("session_id", "session"),
    Column("agent", "agent"),
    Column("attribution_tier", "tier"),
    Column("attributed_lines", "AI lines", Kind.COUNT),
    Column("cost_share_usd", "cost", Kind.USD),
    Column("session_cost_usd", "of the session's", Kind.USD),
    Column("session_commits", "commits", Kind.COUNT),
    Column("prompts", "prompts", Kind.COUNT),
)
FILE_COLUMNS = (
    Column("path", "file"),
    Column("lines_added", "+lines", Kind.COUNT),
    Column("lines_deleted", "-lines", Kind.COUNT),
    Column("effective_lines_added", "effective", Kind.COUNT),
    Column("ai_lines", "AI lines", Kind.COUNT),
    Column("share", "AI share"),
    Column("mark", ""),
)
_OF_FILE = (
    "path", "old_path", "lines_added", "lines_deleted", "effective_lines_added", "ai_lines",
    "is_excluded", "is_binary",
)  # fmt: skip
_AGES = (14, 30, 90)

Payload = Mapping[str, Any]


def whole_commit(
    commit_hash: str, evidence: Payload | None, payload: Payload | None
) -> dict[str, Any]:
    """All that is known; `evidence` is from the marts, `payload` from the repository that is here.

    `is_recorded`: the marts know it. Of files git tells lines, the marts those of sessions; an
    unknown is None.
    """
    known = dict.fromkeys((*FACTS, "committed_at", "cost_is_partial"))
    if payload is not None:
        known |= {key: payload.get(key) for key in known if key in payload}
        known |= {
            "committed_at": _iso(payload["timestamp"]),
            "effective_lines_added": _effective(payload),
        }
    if evidence is not None:
        known |= {key: evidence[key] for key in known if evidence[key] is not None}
    return {
        **known,
        "commit_hash": commit_hash,
        "is_recorded": evidence is not None,
        "author": payload["author_name"] if payload else None,
        "subject": payload["commit_message"].partition("\n")[0] if payload else None,
        "sessions": list(evidence["sessions"]) if evidence else [],
        "files": _files(evidence, payload),
    }


def _effective(payload: Payload) -> int | None:
    if payload["files"] is None:
        return None
    return sum(
        file.get("effective_lines_added") or 0
        for file in payload["files"]
        if not file["is_excluded"]
    )


def _files(evidence: Payload | None, payload: Payload | None) -> list[dict[str, Any]]:
    """Files that git tells, else those with lines of sessions alone."""
    of_sessions = {file["path"]: file for file in evidence["files"]} if evidence else {}
    told = list(payload["files"] or ()) if payload else []
    files = []
    knows_lines = evidence is not None and evidence["ai_lines"] is not None
    for file in told or [{"path": path} for path in of_sessions]:
        own = of_sessions.get(file["path"])
        known = {key: file.get(key) for key in _OF_FILE}
        known["ai_lines"] = own["ai_lines"] if own else 0 if knows_lines else None
        if known["is_excluded"]:
            known["ai_lines"] = None
        files.append({**known, "sessions": own["sessions"] if own else []})
    return files


def sentences(commit: Payload) -> Iterator[tuple[str, str]]:
    """(heading, what is known) of a commit, for people; `agent` may be the name to show."""
    yield "commit", commit["commit_hash"]
    if commit["subject"] is not None:
        yield "subject", as_text(commit["subject"])
    yield "made", _made(commit)
    if origin := _origin(commit):
        yield "for", origin
    yield "evidence", _evidence(commit)
    yield "lines", _lines(commit)
    if commit["is_recorded"]:
        yield "cost", _cost(commit)
        yield "outcome", _outcome(commit)


def shown_files(files: Sequence[Payload]) -> list[dict[str, Any]]:
    """Rows for FILE_COLUMNS."""
    return [
        {
            **file,
            "path": f"{file['old_path']} → {file['path']}" if file["old_path"] else file["path"],
            "share": percent(share(file["ai_lines"], file["effective_lines_added"])),
            "mark": "left out" if file["is_excluded"] else "binary" if file["is_binary"] else "",
        }
        for file in files
    ]


def _made(commit: Payload) -> str:
    where = f" in {as_text(commit['repository'])}" if commit["repository"] else ""
    branch = f", branch {as_text(commit['branch'])}" if commit["branch"] else ""
    who = commit["developer_id"] or commit["author"]
    by = f" by {as_text(who)}" if who else ""
    merge = ", a merge" if commit["is_merge"] else ""
    return f"{commit['committed_at'] or '—'}{by}{where}{branch}{merge}"


def _origin(commit: Payload) -> str:
    request = f"pull request {commit['pull_request']}" if commit["pull_request"] else None
    return ", ".join(filter(None, (commit["ticket"] and as_text(commit["ticket"]), request)))


def _evidence(commit: Payload) -> str:
    if not commit["is_recorded"]:
        return (
            "none: this commit is not published. `agent-analytics import-git` imports it, unless "
            "an amend or a rebase replaced it."
        )
    tier = commit["attribution_tier"]
    if tier not in TIERS:
        return f"{tier}: {MEANINGS[tier]}"
    session = commit["session_id"]
    return (
        f"{as_text(commit['agent'])}, {f'session {as_text(session)}' if session else 'no session'}"
        f"; tier {tier} (confidence {commit['attribution_confidence']:.1f}): {MEANINGS[tier]}"
    )


def _lines(commit: Payload) -> str:
    if commit["lines_added"] is None:
        return "unknown"
    text = f"{commit['lines_added']:,} added, {commit['lines_deleted']:,} deleted"
    effective, ai = commit["effective_lines_added"], commit["ai_lines"]
    if effective is not None:
        text += f"; {effective:,} count as work"
    if ai is not None:
        text += f", {ai:,} of them an agent's ({percent(share(ai, effective))})"
    elif commit["attribution_tier"] in TIERS:
        text += "; how many an agent wrote is unknown, because its edits are"
    return text


def _cost(commit: Payload) -> str:
    if commit["cost_usd"] is not None:
        cost = usd(commit["cost_usd"], is_partial=commit["cost_is_partial"])
        return f"{cost}, its share of what its sessions cost at list price"
    if commit["sessions"]:
        return "unknown: no price is known for what its sessions used"
    return "unknown: no session is linked to it"


def _outcome(commit: Payload) -> str:
    effective = commit["effective_lines_added"]
    ages = [
        f"{commit[f'survived_{age}d']:,} after {age} days "
        f"({percent(share(commit[f'survived_{age}d'], effective))})"
        for age in _AGES
        if commit[f"survived_{age}d"] is not None
    ]
    stands = "reverted" if commit["is_reverted"] else "not reverted"
    if not ages:
        return f"{stands}; which lines survive is not measured yet"
    return f"{stands}; lines alive in the default branch: {', '.join(ages)}"


def _iso(seconds: int | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
