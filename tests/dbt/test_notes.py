"""What git-ai notes and Agent Trace records say of commits, beside other evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_analytics_collector.envelope import Signal
from tests.dbt.records import delivered
from tests.dbt.telemetry import api_request, at, event
from tests.dbt.warehouse import RECEIVED_AT, Warehouse

pytestmark = pytest.mark.slow

REPOSITORY = "https://github.com/acme/gadgets"
CLAIMED, NOTED, TOLD, REWRITTEN, BOTH, HUMAN, WEAK, EMPTIED = (n * 40 for n in "12345678")

MADE, LATER = "2026-11-20 03:00:30", "2026-11-21 09:00:00"


def line(commit_hash: str, **changes: object) -> dict[str, Any]:
    return {
        "repository": REPOSITORY, "commit_hash": commit_hash, "source": "git_ai", "note_id": "n1",
        "contributor": "ai", "agent": "claude", "agent_session_id": "noted", "path": "a.py",
        "ranges": "1-3", "lines": 3,
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("noted"))
    for session in ("noted", "claiming"):
        warehouse.load([
            api_request(session, "claude-opus-5-5", "2026-11-20 03:00:00", session=session,
                        input_tokens=1_000_000, vcs__repository__url__full=REPOSITORY),
        ])  # fmt: skip
    for sha in (CLAIMED, BOTH):
        warehouse.load([
            event("tool_result", "2026-11-20 03:00:30", "claiming", tool_name="Bash",
                  success="true", tool_use_id=f"made {sha}", vcs__ref__head__revision=sha),
        ])  # fmt: skip
    commits = [
        {
            "commit_hash": sha, "commit_message": "x",
            "timestamp": int(at(LATER if sha in (HUMAN, EMPTIED) else MADE).timestamp()),
            "repository": REPOSITORY, "is_merge": False,
            "recorded_by": "hook", "files": [
                {"path": "a.py", "lines_added": 9, "lines_deleted": 0, "is_excluded": False,
                 "effective_lines_added": 9, "added_line_hashes": [], "removed_line_hashes": []},
            ],
        }
        for sha in (CLAIMED, NOTED, TOLD, REWRITTEN, BOTH, HUMAN, WEAK, EMPTIED)
    ]  # fmt: skip
    warehouse.load([delivered(Signal.COMMITS, commits)])
    warehouse.load([
        delivered(Signal.ATTRIBUTIONS, [
            line(CLAIMED, evidence_tier="lines"),
            line(NOTED), line(NOTED, path="b.py", lines=2),
            line(NOTED, source="agent_trace", note_id="t1", agent="claude-code", lines=5),
            line(TOLD, evidence_tier="lines", agent_session_id="elsewhere"),
            line(REWRITTEN, lines=9, ranges="1-9"), line(REWRITTEN, path="b.py", lines=9),
            line(BOTH),
            line(HUMAN, contributor="human", agent=None, agent_session_id=None),
            line(WEAK, evidence_tier="tool_call"),
            line(EMPTIED),
        ]),
    ])  # fmt: skip
    later = RECEIVED_AT + timedelta(hours=1)
    newer = [
        line(REWRITTEN, note_id="n2", lines=4, ranges="1-4"),
        {"commit_hash": EMPTIED, "source": "git_ai", "note_id": "n2"},
    ]
    warehouse.load([delivered(Signal.ATTRIBUTIONS, newer, received_at=later)])
    warehouse.build()
    return warehouse


@pytest.mark.parametrize(
    ("sha", "tier", "confidence", "session_id", "ai_lines"),
    [
        (NOTED, "note", 1.0, "noted", 5),
        (BOTH, "note", 1.0, "noted", 3),
        (REWRITTEN, "note", 1.0, "noted", 4),
        (WEAK, "tool_call", 1.0, "noted", 3),
        (TOLD, "lines", 0.9, "elsewhere", 3),
        (CLAIMED, "tool_call", 1.0, "claiming", 3),
        (HUMAN, "untracked", None, None, None),
        (EMPTIED, "untracked", None, None, None),
    ],
)
def test_a_note_is_as_certain_as_whoever_wrote_it(
    noted: Warehouse, sha: str, tier: str, confidence: float | None, session_id: str | None,
    ai_lines: int | None,
) -> None:  # fmt: skip
    [row] = noted.rows(
        "SELECT attribution_tier, attribution_confidence::DOUBLE, session_id, ai_lines "
        f"FROM marts.fct_git_commits WHERE commit_hash = '{sha}'"
    )
    assert row == (tier, confidence, session_id, ai_lines)


def test_a_note_of_a_weaker_tier_links_its_session_by_that(noted: Warehouse) -> None:
    found = noted.rows(
        "SELECT session_id, attribution_tier, attributed_lines FROM marts.fct_commit_sessions "
        f"WHERE commit_hash = '{CLAIMED}' ORDER BY ALL"
    )
    assert found == [("claiming", "tool_call", None), ("noted", "lines", 3)]
