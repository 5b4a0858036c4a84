"""What marts know of lines and commits, asked with hand-made rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pytest

from agent_analytics_cli.git.line_blame import BlamedLine
from agent_analytics_cli.reports.blame_report import Evidence, LineOrigin, numbers, origins, summary
from agent_analytics_cli.reports.commit_evidence import AmbiguousCommit, find_hash
from agent_analytics_cli.shares import percent, share, usd
from agent_analytics_cli.tiers import MEANINGS, TIERS, at_least
from agent_analytics_collector.line_hashes import LineHasher

HASHER = LineHasher(b"key" * 10)
SCHEMA = """
create table fct_git_commits (
    commit_hash varchar, attribution_tier varchar, agent varchar, session_id varchar,
    ai_lines bigint
);
create table fct_attributed_lines (
    commit_hash varchar, path varchar, line_hash varchar, agent varchar, session_id varchar,
    attribution_tier varchar, lines bigint
);
create table fct_attributed_ranges (
    commit_hash varchar, path varchar, source varchar, agent varchar, session_id varchar,
    ranges varchar
);
"""


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        yield connection


def a_commit(
    marts: duckdb.DuckDBPyConnection, name: str, tier: str, ai_lines: int | None = None
) -> None:
    agent = "claude_code" if tier in TIERS else None
    marts.execute(
        "insert into fct_git_commits values (?, ?, ?, 's1', ?)", [name, tier, agent, ai_lines]
    )


def written(
    marts: duckdb.DuckDBPyConnection, name: str, text: str, lines: int, tier: str = "lines",
    agent: str = "claude_code",
) -> None:  # fmt: skip
    marts.execute(
        "insert into fct_attributed_lines values (?, 'a.py', ?, ?, 's1', ?, ?)",
        [name, HASHER.of(text), agent, tier, lines],
    )


def noted(marts: duckdb.DuckDBPyConnection, source: str, agent: str, ranges: str) -> None:
    marts.execute(
        "insert into fct_attributed_ranges values ('c', 'a.py', ?, ?, 's9', ?)",
        [source, agent, ranges],
    )


def found(
    marts: duckdb.DuckDBPyConnection,
    *texts: str,
    tier: str | None = None,
    path: str = "a.py",
    is_cut: bool = False,
) -> list[LineOrigin]:
    """Origins of a file whose lines are all of commit `c`."""
    at = datetime(2026, 3, 10, tzinfo=UTC)
    lines = [
        BlamedLine(number, text, "c", path, number, "Jo", at, is_cut)
        for number, text in enumerate(texts, start=1)
    ]
    return list(origins(lines, Evidence(marts, lines, at_least(tier)), HASHER))


def test_where_the_history_is_cut_only_a_line_of_its_own_is_evidence(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    a_commit(marts, "c", "tool_call", 1)
    written(marts, "c", "first = 1", 1, "tool_call")
    every = found(marts, "first = 1", "second = 2", is_cut=True)
    assert told(every) == [("tool_call", "line", "claude_code"), ("unrecorded", None, None)]


def told(every: list[LineOrigin]) -> list[tuple[object, ...]]:
    return [(each.tier, each.evidence, each.agent) for each in every]


def test_a_line_is_given_as_often_as_the_session_wrote_it(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    a_commit(marts, "c", "tool_call", 2)
    written(marts, "c", "return None", 2, "tool_call")
    every = found(marts, "return None", "  return  None", "}", "return None", "other = 1")
    assert [each.tier for each in every] == [
        "tool_call", "tool_call", None, "untracked", "untracked",
    ]  # fmt: skip
    assert [each.commit_has_tier for each in every] == [True, True, False, True, True]


def test_the_same_line_in_another_file_is_not_the_sessions(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    a_commit(marts, "c", "lines", 1)
    written(marts, "c", "return None", 1)
    assert told(found(marts, "return None", path="b.py")) == [("untracked", None, None)]


@pytest.mark.parametrize(
    ("tier", "ai_lines", "expected"),
    [
        ("window", None, ("window", "commit", "claude_code")),
        ("tool_call", 0, ("untracked", None, None)),
        ("note", 3, ("note", "commit", "claude_code")),
        ("ambiguous", None, ("ambiguous", None, None)),
        ("untracked", None, ("untracked", None, None)),
    ],
)
def test_a_commit_without_known_lines_is_evidence_by_its_tier_alone(
    marts: duckdb.DuckDBPyConnection, tier: str, ai_lines: int | None, expected: tuple[object, ...]
) -> None:
    a_commit(marts, "c", tier, ai_lines)
    assert told(found(marts, "return None")) == [expected]


def test_a_note_beats_a_record_and_both_beat_lines(marts: duckdb.DuckDBPyConnection) -> None:
    a_commit(marts, "c", "note", 2)
    noted(marts, "git_ai", "codex", "1")
    noted(marts, "agent_trace", "cursor", "1-2")
    written(marts, "c", "third = 3", 1)
    assert told(found(marts, "first = 1", "second = 2", "third = 3")) == [
        ("note", "line", "codex"), ("note", "line", "cursor"), ("untracked", None, None),
    ]  # fmt: skip


def test_a_sessions_weaker_lines_are_left_out_of_a_stronger_tier(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    a_commit(marts, "c", "tool_call", 2)
    written(marts, "c", "first = 1", 1, "tool_call")
    written(marts, "c", "second = 2", 1, "lines", "codex")
    every = found(marts, "first = 1", "second = 2", tier="tool_call")
    assert [each.tier for each in every] == ["tool_call", "weaker"]
    assert summary(every)["coverage"] == 1
    assert summary(every)["agent_share"] == share(1, 2)


def test_shares_are_of_the_lines_that_count(marts: duckdb.DuckDBPyConnection) -> None:
    a_commit(marts, "c", "lines", 1)
    written(marts, "c", "first = 1", 1)
    totals = summary(found(marts, "first = 1", "{", "", "second = 2"))
    assert (totals["lines"], totals["counted_lines"], totals["coverage"]) == (4, 2, 1)
    assert [(part["agent"], part["tier"], part["share"]) for part in totals["shares"]] == [
        ("claude_code", "lines", share(1, 2)), (None, "untracked", share(1, 2)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [("1-3,7", [1, 2, 3, 7]), ("5", [5]), ("", []), ("x,2-,-3,4-1, 6", [6]), ("9-8", [])],
)
def test_ranges_are_read_as_far_as_they_are_ranges(ranges: str, expected: list[int]) -> None:
    assert list(numbers(ranges)) == expected


def test_an_absurd_range_ends() -> None:
    assert sum(1 for _ in numbers("1-99999999999999")) < 2_000_000


def test_the_beginning_of_a_hash_finds_the_commit_or_names_several(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for name in ("abcd1", "abcd2", "abce3"):
        a_commit(marts, name.ljust(40, "0"), "untracked")
    assert find_hash(marts, "ABCE") == "abce3".ljust(40, "0")
    assert find_hash(marts, "abcd10") == "abcd1".ljust(40, "0")
    assert [find_hash(marts, name) for name in ("abc", "ffff", "main", "%", "")] == [None] * 5
    with pytest.raises(AmbiguousCommit, match="abcd is the beginning of 2 commits"):
        find_hash(marts, "abcd")


def test_a_tier_takes_the_stronger_ones_along() -> None:
    assert at_least("lines") == ("note", "tool_call", "lines")
    assert at_least(None) == TIERS
    assert set(TIERS) < set(MEANINGS)


def test_figures_read_exactly_where_it_matters() -> None:
    parts = [share(1, 3), share(0, 3), share(3, 3), share(1, 0), share(None, 3)]
    assert [percent(each) for each in parts] == ["33.3%", "0%", "100%", "—", "—"]
    assert (percent(0.9999), percent(0.0001)) == ("99.9%", "0.1%")
    amounts = ("1234.5", "0.5", "0.00001", "0")
    assert [usd(Decimal(each)) for each in amounts] == ["$1,234.50", "$0.5000", "<$0.0001", "$0.00"]
    assert (usd(None), usd(Decimal(1), is_partial=True)) == ("—", "≥ $1.00")
