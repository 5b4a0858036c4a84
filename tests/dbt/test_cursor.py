"""What Cursor's hooks tell, in the marts: sessions with their prompts, calls, edits and commits.

No request, since Cursor tells no tokens here. The payloads are of the documented shapes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent_analytics_cli.agents.cursor import records_of
from agent_analytics_collector.envelope import Signal
from tests.cli.agent_sessions import SHA
from tests.cli.cursor_events import SESSION, event, told, tool
from tests.dbt.records import Record, delivered
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

BEGUN = datetime(2026, 11, 22, 10, tzinfo=UTC)
HEADLESS, NOISE = "headless", "noise"
FILE = "/home/dev/app/a.py"
STORED = "~/app/a.py"
REPOSITORY = "https://github.com/acme/app"


def records(*payloads: dict[str, Any]) -> list[Record]:
    """What one payload a minute becomes."""
    found = []
    for minute, payload in enumerate(payloads):
        found += records_of(told(payload), BEGUN + timedelta(minutes=minute), "laptop")
    return [record | {"repository": REPOSITORY, "git_branch": "main"} for record in found]


def a_session() -> list[Record]:
    edit = {"old_string": "a\nb\n", "new_string": "a\nc\nd\n"}
    calls = records(
        event("sessionStart", session_id=SESSION),
        event("beforeSubmitPrompt", prompt="Do it", generation_id="one"),
        tool("Read", "read", {"file_path": FILE}),
        tool("StrReplace", "replace", {"path": FILE, "old_string": "b", "new_string": "c\nd"}),
        event("postToolUseFailure", tool_name="Shell", tool_use_id="refused", duration=1,
              tool_input={"command": "rm -rf /"}, failure_type="permission_denied"),
        tool("Shell", "tests", {"command": "pytest -q"}, {"output": "1 failed", "exitCode": 1}),
        event("beforeSubmitPrompt", prompt="Commit", generation_id="two"),
        tool("Shell", "commit", {"command": "git commit -qam x && git log"},
             {"output": f"[main {SHA[:7]}] x\n", "exitCode": 0}),
        event("stop", status="completed"),
    )  # fmt: skip
    edited = records_of(
        told(event("afterFileEdit", file_path=FILE, edits=[edit], generation_id="one")),
        BEGUN + timedelta(minutes=3, seconds=1),
        "laptop",
    )
    return [*calls, *edited]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A session, a headless one of one edit, and one in which nothing happened. Look only."""
    made = Warehouse(tmp_path_factory.mktemp("cursor"))
    edit = event("afterFileEdit", conversation_id=HEADLESS, file_path=FILE,
                 edits=[{"old_string": "", "new_string": "x\n"}])  # fmt: skip
    nothing = event("sessionStart", conversation_id=NOISE)
    envelopes = [
        delivered(Signal.SESSION_RECORDS, [*a_session(), *records(edit, nothing)]),
        delivered(Signal.SESSION_RECORDS, a_session()),  # an outbox delivers at least once
        delivered(
            Signal.COMMITS,
            [
                {
                    "commit_hash": SHA,
                    "timestamp": int((BEGUN + timedelta(minutes=7)).timestamp()),
                    "author_email": "dev@acme.example",
                    "repository": REPOSITORY,
                    "lines_added": 2,
                    "lines_deleted": 1,
                }
            ],
        ),
    ]
    made.load(envelopes)
    made.build()
    return made


def test_a_session_of_cursor_shows_what_it_did(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT session_id, agent_version, developer_id, project_id, git_branch, machine, outcome, "
        "prompts, tool_calls, tool_failures, edits_accepted, edits_rejected, lines_added, "
        "lines_removed, commits, commits_reported FROM marts.fct_agent_sessions "
        "WHERE agent = 'cursor' ORDER BY prompts"
    ) == [
        (HEADLESS, "3.15.19", "dev_abc", REPOSITORY, "main", "laptop", "edited",
         0, 1, 0, 1, 0, 1, 0, 0, 0),
        (SESSION, "3.15.19", "dev_abc", REPOSITORY, "main", "laptop", "committed",
         2, 5, 1, 1, 0, 2, 1, 1, 1),
    ]  # fmt: skip


def test_cursor_tells_no_requests_tokens_or_cost(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT DISTINCT requests, total_tokens, cost_usd FROM marts.fct_agent_sessions"
    ) == [(0, 0, None)]
    assert warehouse.rows("SELECT count(*) FROM marts.fct_agent_requests") == [(0,)]


def test_each_call_says_how_it_ended(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT split_part(tool_call_key, ':', 3), tool_name, command, file_path, decision, "
        "error_type, success, exit_code, lines_added, is_edit, seen_in, prompt_id "
        "FROM marts.fct_tool_calls "
        f"WHERE session_id = '{SESSION}' ORDER BY called_at"
    ) == [
        ("read", "Read", None, STORED, None, None, True, None, None, False, "hook", GENERATION),
        ("replace", "StrReplace", None, STORED, None, None, True, None, 2, True, "hook",
         GENERATION),
        ("refused", "Shell", "rm", None, "reject", "permission_denied", None, None, None, False,
         "hook", GENERATION),
        ("tests", "Shell", "pytest", None, None, None, False, 1, None, False, "hook", GENERATION),
        ("commit", "Shell", "git commit", None, None, None, True, 0, None, False, "hook",
         GENERATION),
    ]  # fmt: skip


def test_a_commit_that_cursor_made_is_its_sessions(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT agent, session_id, attribution_tier FROM marts.fct_git_commits"
    ) == [("cursor", SESSION, "tool_call")]


def test_the_agent_is_known_by_its_name(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT display_name, first_seen_at = (SELECT min(started_at) FROM "
        "marts.fct_agent_sessions) FROM marts.dim_agents WHERE agent = 'cursor'"
    ) == [("Cursor", True)]


GENERATION = event("stop")["generation_id"]
