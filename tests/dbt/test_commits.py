"""Which agent made a commit, and what it cost, by the evidence that raw tables hold today."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent_analytics_collector.otlp.envelope import Envelope
from tests.dbt.telemetry import api_request, at, event
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

WIDGETS = "https://github.com/acme/widgets"
RECORDED = "c9335bcb18f9e474573517f60b31b73d99d2217d"
"""The commit of p-all-flags, whose session names repository, branch and SHA."""
RECORDED_SESSION = "1c0ce677-23ae-44c0-93bc-ef961694d0b0"
OTHER = "https://github.com/acme/gadgets"


def commit(
    warehouse: Warehouse, sha: str, when: str, repository: str | None = OTHER, message: str = "x",
    recorded_by: str = "hook", branch: str | None = "main",
) -> None:  # fmt: skip
    warehouse.execute(
        "INSERT INTO raw_git_commits (id, commit_hash, commit_message, author_name, author_email, "
        "commit_timestamp, files_changed, lines_added, lines_deleted, developer_id, created_at, "
        "repository, branch, is_merge, recorded_by) "
        "VALUES (1, ?, ?, 'Jo', 'jo@example.com', ?, 1, 3, 1, NULL, now(), ?, ?, false, ?)",
        [sha, message, at(when), repository, branch, recorded_by],
    )


@pytest.fixture(scope="module")
def committed(
    tmp_path_factory: pytest.TempPathFactory, recordings: dict[str, list[Envelope]]
) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("committed"))
    warehouse.load(recordings["p-all-flags"] + recordings["g-version-resattrs"])
    for session, first, last in (
        ("alone", "03:00:00", "03:01:00"), ("together", "04:00:00", "04:10:00"),
        ("with another", "04:05:00", "04:06:00"),
    ):  # fmt: skip
        for moment in (first, last):
            warehouse.load([
                api_request(f"{session} {moment}", "claude-opus-5-5", f"2026-11-20 {moment}",
                            session=session, input_tokens=1_000_000,
                            vcs__repository__url__full="git@github.com:acme/gadgets.git"),
            ])  # fmt: skip
    warehouse.load([
        event("tool_result", "2026-11-20 03:00:30", "alone", tool_name="Bash", success="true",
              tool_use_id="amended", vcs__ref__head__revision="d" * 40),
    ])  # fmt: skip

    commit(warehouse, RECORDED, "2026-11-22 03:44:54", WIDGETS, branch=None, recorded_by="backfill")
    commit(warehouse, RECORDED.upper(), "2026-11-22 03:44:54", WIDGETS)
    commit(warehouse, "1" * 40, "2026-11-20 03:06:00")
    commit(warehouse, "2" * 40, "2026-11-20 04:07:00")
    commit(warehouse, "3" * 40, "2026-11-20 03:06:01")
    commit(warehouse, "4" * 40, "2026-11-20 09:00:00",
           message="fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>")  # fmt: skip
    commit(warehouse, "d" * 40, "2026-11-20 03:00:30")
    commit(warehouse, "e" * 40, "2026-11-20 03:30:00")
    commit(warehouse, "5" * 40, "2026-11-20 03:00:30", repository=None)
    warehouse.execute(
        "INSERT INTO raw_git_rewrites VALUES (?, ?, ?, 'amend', now())", [OTHER, "d" * 40, "e" * 40]
    )
    warehouse.build()
    return warehouse


def attribution(committed: Warehouse, sha: str) -> tuple[object, ...]:
    [row] = committed.rows(
        "SELECT attribution_tier, agent, session_id, attribution_confidence, agent_assisted "
        f"FROM marts.fct_git_commits WHERE commit_hash = '{sha}'"
    )
    return tuple(row)


def test_a_commit_recorded_twice_is_one_and_the_hook_knew_more(committed: Warehouse) -> None:
    assert committed.rows(
        f"SELECT branch, lines_added FROM marts.fct_git_commits WHERE commit_hash = '{RECORDED}'"
    ) == [("main", 3)]


def test_the_sha_in_a_tool_result_names_the_session(committed: Warehouse) -> None:
    assert attribution(committed, RECORDED) == (
        "tool_call", "claude_code", RECORDED_SESSION, Decimal("1.0"), True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sha", "expected"),
    [
        ("1", ("window", "claude_code", "alone", Decimal("0.4"), True)),
        ("2", ("ambiguous", None, None, None, None)),
        ("3", ("untracked", None, None, None, False)),
        ("4", ("marker", "claude_code", None, Decimal("0.7"), True)),
        ("e", ("tool_call", "claude_code", "alone", Decimal("1.0"), True)),
        ("5", ("untracked", None, None, None, False)),
    ],
)
def test_tiers(committed: Warehouse, sha: str, expected: tuple[object, ...]) -> None:
    assert attribution(committed, sha * 40) == expected


def test_an_amended_commit_is_no_commit(committed: Warehouse) -> None:
    assert not committed.rows(
        f"SELECT 1 FROM marts.fct_git_commits WHERE commit_hash = '{'d' * 40}'"
    )


def test_a_session_bears_its_commits_equally(committed: Warehouse) -> None:
    assert committed.rows(
        "SELECT left(commit_hash, 1), cost_share_usd, attribution_tier "
        "FROM marts.fct_commit_sessions WHERE session_id = 'alone' ORDER BY 1"
    ) == [("1", 4, "window"), ("e", 4, "tool_call")]
    assert committed.rows(
        "SELECT commits, cost_usd, outcome FROM marts.fct_agent_sessions WHERE session_id = 'alone'"
    ) == [(2, 8, "committed")]


def test_only_where_nothing_records_commits_the_agents_own_count_counts(
    committed: Warehouse,
) -> None:
    """g-version-resattrs names no repository; `together` made none of its repository's commits."""
    assert dict(
        committed.rows("SELECT session_id, commits FROM marts.fct_agent_sessions")
    ) == {
        RECORDED_SESSION: 1, "905ecef7-437a-44cb-a42e-2bfcdd773588": 1, "alone": 2,
        "together": 0, "with another": 0,
    }  # fmt: skip
