"""Compares what the marts say of a generated history with what is true of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import duckdb

from agent_analytics_collector.line_hashes import LineHasher
from benchmarks.history.lines_alive import counts
from benchmarks.history.truth import CommitTruth, History

TIERS = ("note", "tool_call", "lines", "marker", "window")
UNKNOWN = ("ambiguous", "untracked")


@dataclass(slots=True)
class Tally:
    """Commits and lines of one tier."""

    right: int = 0
    wrong: int = 0
    known: int = 0
    """Commits whose strongest evidence is of this tier."""
    found: int = 0
    """Of those, given to one who took part, by whatever tier."""
    lines_right: int = 0
    lines_wrong: int = 0
    lines_known: int = 0
    lines_found: int = 0

    @property
    def precision(self) -> float:
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return _share(self.found, self.known)

    @property
    def line_precision(self) -> float:
        return _share(self.lines_right, self.lines_right + self.lines_wrong)

    @property
    def line_recall(self) -> float:
        return _share(self.lines_found, self.lines_known)


@dataclass(slots=True)
class Score:
    """All that was compared."""

    tiers: dict[str, Tally] = field(default_factory=lambda: {tier: Tally() for tier in TIERS})
    commits: int = 0
    predicted: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    """Commits of the history that the marts do not have."""
    surplus: list[str] = field(default_factory=list)
    """Commits of the marts that are not in the history."""
    called_human: list[str] = field(default_factory=list)
    """Commits without evidence of which somebody says that a person wrote them."""
    links_right: int = 0
    links_wrong: int = 0
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    """(tier, story, commit) of commits given to one who took no part."""
    missed: list[tuple[str, str, str]] = field(default_factory=list)
    """(evidence, story, commit) of agents' commits given to nobody, or to the wrong one."""
    wrong_lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (tier, story)."""
    missed_lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (evidence, story)."""
    lines: int = 0
    lines_with_tier: int = 0

    @property
    def coverage(self) -> float:
        """Share of the effective lines that are in commits with any tier."""
        return _share(self.lines_with_tier, self.lines)

    @property
    def link_precision(self) -> float:
        """Of all pairs of commit and session: those of which the session took part."""
        return _share(self.links_right, self.links_right + self.links_wrong)


def score(
    history: History, marts: duckdb.DuckDBPyConnection, hasher: LineHasher, schema: str = "marts"
) -> Score:
    """Read fct_git_commits, fct_commit_sessions and fct_attributed_lines in `schema`."""
    result = Score()
    result.commits = len(history.commits)
    rows = marts.execute(
        "SELECT commit_hash, attribution_tier, agent, session_id, agent_assisted, ai_lines, "
        f"effective_lines_added FROM {schema}.fct_git_commits"
    ).fetchall()
    result.missing = sorted(history.commits.keys() - {row[0] for row in rows})
    for commit_hash, tier, agent, session_id, assisted, ai_lines, effective in rows:
        commit = history.commits.get(commit_hash)
        if commit is None:
            result.surplus.append(commit_hash)
            continue
        result.predicted[tier] += 1
        result.lines += effective or 0
        result.lines_with_tier += (effective or 0) if tier in TIERS else 0
        if tier in UNKNOWN and (
            ai_lines is not None or (tier == "ambiguous") != (assisted is None)
        ):
            result.called_human.append(commit_hash)
        _score_commit(result, history, commit, tier, agent, session_id)
    links = marts.execute(
        f"SELECT commit_hash, session_id FROM {schema}.fct_commit_sessions"
    ).fetchall()
    for commit_hash, session_id in links:
        if commit_hash in history.commits:
            is_right = session_id in history.writers(history.commits[commit_hash])
            result.links_right += is_right
            result.links_wrong += not is_right
    _score_lines(result, history, marts, hasher, schema)
    return result


def _score_commit(
    result: Score,
    history: History,
    commit: CommitTruth,
    tier: str,
    agent: str | None,
    session_id: str | None,
) -> None:
    writers = history.writers(commit)
    if tier == "marker" and session_id is None:
        is_right = agent in {history.sessions[name].agent for name in writers}
    else:
        is_right = session_id in writers
    if tier in TIERS:
        result.tiers[tier].right += is_right
        result.tiers[tier].wrong += not is_right
        if not is_right:
            result.wrong.append((tier, commit.story, commit.commit_hash))
    evidence = history.evidence(commit)
    if evidence in TIERS:
        result.tiers[evidence].known += 1
        result.tiers[evidence].found += is_right
    if writers and not is_right:
        result.missed.append((evidence, commit.story, commit.commit_hash))


def _score_lines(
    result: Score,
    history: History,
    marts: duckdb.DuckDBPyConnection,
    hasher: LineHasher,
    schema: str,
) -> None:
    """Lines count right as often as the session wrote them in that file for that commit."""
    rows = marts.execute(
        "SELECT commit_hash, session_id, attribution_tier, path, line_hash, sum(lines) "
        f"FROM {schema}.fct_attributed_lines GROUP BY ALL"
    ).fetchall()
    told: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    tiers: dict[tuple[str, str], str] = {}
    for commit_hash, session_id, tier, path, line_hash, lines in rows:
        told.setdefault((commit_hash, session_id), Counter())[path, line_hash] += int(lines)
        tiers[commit_hash, session_id] = tier
    for commit_hash, commit in history.commits.items():
        tier = history.evidence(commit)
        for session_id in history.writers(commit):
            session = history.sessions[session_id]
            if not (session.has_file and session.tells_edits):
                continue
            true = true_lines(commit, session_id, hasher)
            said = told.pop((commit_hash, session_id), Counter())
            right = (true & said).total()
            result.tiers[tier].lines_known += true.total()
            result.tiers[tier].lines_found += right
            result.missed_lines[tier, commit.story] += true.total() - right
            if said:
                by = tiers[commit_hash, session_id]
                result.tiers[by].lines_right += right
                result.tiers[by].lines_wrong += said.total() - right
                result.wrong_lines[by, commit.story] += said.total() - right
    for (commit_hash, session_id), said in told.items():
        if commit_hash in history.commits:
            by, story = tiers[commit_hash, session_id], history.commits[commit_hash].story
            result.tiers[by].lines_wrong += said.total()
            result.wrong_lines[by, story] += said.total()


def true_lines(commit: CommitTruth, author: str, hasher: LineHasher) -> Counter[tuple[str, str]]:
    """The effective lines that an author wrote for a commit, by (path, hash)."""
    found: Counter[tuple[str, str]] = Counter()
    for (path, text), lines in commit.lines_of(author).items():
        if counts(path, text) and (line_hash := hasher.of(text)):
            found[path, line_hash] += lines
    return found


def _share(part: int, whole: int) -> float:
    """Of nothing all is right."""
    return part / whole if whole else 1.0
