"""Which lines of a file agents wrote, and by which evidence: git's blame beside the marts.

A line belongs to a session where a note gives its commit's line number to it, or where the session
wrote that line into that file (by its keyed hash). Where a commit has a tier and nothing is known
of its lines, the commit alone is evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.git.line_blame import BlamedLine
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.shares import share
from agent_analytics_cli.tiers import TIERS
from agent_analytics_collector.line_hashes import LineHasher

UNRECORDED, UNCOMMITTED, WEAKER = "unrecorded", "uncommitted", "weaker"
UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True)
class LineOrigin:
    """A line, and what is known of who wrote it."""

    line: BlamedLine
    counts: bool
    """False of lines of brackets alone and the like, and of a file that is nobody's work."""
    tier: str | None
    """One of TIERS where an agent wrote it; else `ambiguous`, `untracked` (no evidence),
    `weaker` (than the tier asked for), `unrecorded` (its commit was never imported, or lies behind
    the edge of a shallow clone) or `uncommitted`. None of a line that does not count and belongs
    to nobody, and without marts."""
    evidence: str | None = None
    """`line`, or `commit` where nothing is known of the commit's lines; None without a tier."""
    agent: str | None = None
    session_id: str | None = None
    commit_has_tier: bool = False


@dataclass(slots=True)
class _Writer:
    agent: str
    session_id: str | None
    tier: str
    lines: int
    """How many more lines like this are its own."""


class Evidence:
    """What the marts know of the commits of some lines, and of the lines themselves."""

    def __init__(
        self,
        marts: duckdb.DuckDBPyConnection,
        lines: Sequence[BlamedLine],
        tiers: Sequence[str] = TIERS,
    ) -> None:
        hashes = sorted({line.commit_hash for line in lines if line.commit_hash})
        asked = {"hashes": hashes, "paths": sorted({line.path_then for line in lines})}
        self._tiers = tiers
        self._commits = {
            row["commit_hash"]: row for row in fetch(marts, _FACTS, {"hashes": hashes})
        }
        self._writers = {
            (row["commit_hash"], row["path"], row["line_hash"]): _Writer(
                row["agent"], row["session_id"], row["attribution_tier"], row["lines"]
            )
            for row in fetch(marts, _LINES, asked)
        }
        self._noted: dict[tuple[str, str], dict[int, _Writer]] = {}
        for row in fetch(marts, _RANGES, asked):
            writer = _Writer(row["agent"], row["session_id"], "note", 1)
            noted = self._noted.setdefault((row["commit_hash"], row["path"]), {})
            noted.update(dict.fromkeys(numbers(row["ranges"]), writer))

    def origin(self, line: BlamedLine, digest: str | None) -> LineOrigin:
        """Who wrote it; `digest` is the line's keyed hash, None of one that does not count.

        Each line that a session wrote is given once, so ask in the order of the file.
        """
        counts = digest is not None
        if line.commit_hash is None:
            return LineOrigin(line, counts, UNCOMMITTED if counts else None)
        commit = self._commits.get(line.commit_hash)
        if commit is None:
            return LineOrigin(line, counts, UNRECORDED if counts else None)
        tier = commit["attribution_tier"]
        is_asked = tier in self._tiers
        writer = self._writer(line, digest)
        if writer is not None:
            return self._written(line, counts, writer, is_asked)
        if not counts:
            return LineOrigin(line, counts, None)
        if line.is_cut:
            return LineOrigin(line, counts, UNRECORDED)
        if tier not in TIERS:
            return LineOrigin(line, counts, tier)
        if commit["knows_lines"]:
            return LineOrigin(line, counts, UNTRACKED, commit_has_tier=is_asked)
        if not is_asked:
            return LineOrigin(line, counts, WEAKER)
        return LineOrigin(
            line, counts, tier, "commit", commit["agent"], commit["session_id"], True
        )  # fmt: skip

    def _written(
        self, line: BlamedLine, counts: bool, writer: _Writer, commit_has_tier: bool
    ) -> LineOrigin:
        if writer.tier not in self._tiers:
            return LineOrigin(line, counts, WEAKER, commit_has_tier=commit_has_tier)
        return LineOrigin(
            line, counts, writer.tier, "line", writer.agent, writer.session_id, commit_has_tier
        )

    def _writer(self, line: BlamedLine, digest: str | None) -> _Writer | None:
        assert line.commit_hash is not None
        if self._commits[line.commit_hash]["has_notes"]:
            return self._noted.get((line.commit_hash, line.path_then), {}).get(line.number_then)
        if digest is None:
            return None
        writer = self._writers.get((line.commit_hash, line.path_then, digest))
        if writer is None or not writer.lines:
            return None
        writer.lines -= 1
        return writer


_FACTS = """
with noted as (select distinct commit_hash from main.fct_attributed_ranges),
attributed as (select distinct commit_hash from main.fct_attributed_lines)
select
    commits.commit_hash, attribution_tier, agent, session_id,
    noted.commit_hash is not null as has_notes,
    noted.commit_hash is not null or attributed.commit_hash is not null
        or coalesce(ai_lines = 0, false) as knows_lines
from main.fct_git_commits as commits
left join noted on commits.commit_hash = noted.commit_hash
left join attributed on commits.commit_hash = attributed.commit_hash
where commits.commit_hash in (select unnest($hashes::varchar[]))
"""
_OF_LINES = """
where commit_hash in (select unnest($hashes::varchar[]))
    and path in (select unnest($paths::varchar[]))
"""
_LINES = f"""
select commit_hash, path, line_hash, agent, session_id, attribution_tier, lines
from main.fct_attributed_lines {_OF_LINES}
"""
# Where a note and a record tell of the same line, the note counts: it comes last.
_RANGES = f"""
select commit_hash, path, agent, session_id, ranges
from main.fct_attributed_ranges {_OF_LINES}
order by source = 'git_ai', agent, session_id
"""


def origins(
    lines: Sequence[BlamedLine], evidence: Evidence | None, hasher: LineHasher | None
) -> Iterator[LineOrigin]:
    """Each line with its origin; without a hasher none of them counts."""
    for line in lines:
        digest = hasher.of(line.text) if hasher else None
        if evidence is None:
            yield LineOrigin(line, digest is not None, None)
        else:
            yield evidence.origin(line, digest)


def summary(found: Sequence[LineOrigin]) -> dict[str, Any]:
    """Of the lines that count: how many, the coverage, and the share of each origin.

    `coverage` is the share of lines whose commit has a tier, `agent_share` that of lines which an
    agent is known to have written, one by one. `shares` add up to 1.
    """
    counted = [origin for origin in found if origin.counts]
    parts = Counter((each.agent, each.tier, each.evidence) for each in counted)
    order = sorted(parts, key=lambda part: (part[0] is None, -parts[part], str(part)))
    return {
        "lines": len(found),
        "counted_lines": len(counted),
        "coverage": _share(counted, [each for each in counted if each.commit_has_tier]),
        "agent_share": _share(counted, [each for each in counted if each.evidence == "line"]),
        "shares": [
            {
                "agent": agent,
                "tier": tier,
                "evidence": evidence,
                "lines": parts[agent, tier, evidence],
                "share": share(parts[agent, tier, evidence], len(counted)),
            }
            for agent, tier, evidence in order
        ],
    }


def _share(every: Sequence[LineOrigin], part: Sequence[LineOrigin]) -> Decimal | None:
    return share(len(part), len(every))


def numbers(ranges: str) -> Iterator[int]:
    """`1-3,7` → 1, 2, 3, 7. What is no range of line numbers is left out."""
    for part in ranges.split(","):
        first, dash, last = part.strip().partition("-")
        if first.isdecimal() and (last.isdecimal() or not dash):
            yield from range(int(first), min(int(last or first), int(first) + _LONGEST_RANGE) + 1)


_LONGEST_RANGE = 1_000_000
"""A note is written by anybody: a range of it must not fill our memory."""
