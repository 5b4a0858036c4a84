"""Which session wrote the lines of a commit, what of them lives, and what became of all spend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.line_hashes import LineHasher
from tests.dbt.records import Record, delivered
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

WIDGETS = "https://github.com/acme/widgets"
START = datetime(2026, 11, 2, 10, tzinfo=UTC)
HASHER = LineHasher(b"k" * 32)
COMMON = ["return None", "import os"]


PATCH: dict[str, Any] = {"patch_id": "ab" * 20, "authored_at": int(START.timestamp())}


def hashes(*lines: str) -> list[str]:
    return HASHER.of_all(lines)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def work(
    session: str, hours: float, edits: dict[str, list[str]], *, agent: str = "claude_code",
    removed: dict[str, list[str]] | None = None, output_tokens: int = 40_000,
    repository: str | None = WIDGETS,
) -> list[Record]:  # fmt: skip
    """A prompt, a request that costs $1 per 40,000 tokens of output, and edits."""

    def record(kind: str, seconds: int, payload: Record) -> Record:
        return {
            "agent": agent, "session_id": session, "kind": kind,
            "timestamp": (at(hours) + timedelta(seconds=seconds)).isoformat(),
            "project_path": "/home/jo/widgets", "repository": repository,
            "source_file": f"{session}.jsonl", "payload": payload,
        }  # fmt: skip

    names = [*edits, *(name for name in removed or {} if name not in edits)]
    return [
        record("prompt", 0, {"prompt_id": f"{session} {hours}", "prompt_length": 5}),
        record("request", 1, {
            "request_id": f"{session} {hours}", "message_id": f"{session} {hours}",
            "model": "claude-opus-4-5", "input_tokens": 0, "output_tokens": output_tokens,
        }),
        *(
            record("edit", 2 + number, {
                "tool_use_id": f"{session} {hours} {name}", "part": 0,
                "file_path": f"/home/jo/widgets/{name}",
                "added_line_hashes": " ".join(hashes(*edits.get(name, []))),
                "removed_line_hashes": " ".join(hashes(*(removed or {}).get(name, []))),
            })
            for number, name in enumerate(names)
        ),
    ]  # fmt: skip


def commit(
    name: str, hours: float, files: dict[str, list[str]], *,
    removed: dict[str, list[str]] | None = None, **more: Any,
) -> Record:  # fmt: skip
    paths = [*files, *(path for path in removed or {} if path not in files)]
    return {
        "commit_hash": full(name), "timestamp": int(at(hours).timestamp()),
        "commit_message": "change", "author_name": "Jo", "author_email": "jo@example.com",
        "repository": WIDGETS, "branch": "main", "is_merge": False, "recorded_by": "backfill",
        "files": [
            {
                "path": path, "lines_added": len(files.get(path, [])), "is_excluded": False,
                "effective_lines_added": len(hashes(*files.get(path, []))),
                "added_line_hashes": hashes(*files.get(path, [])),
                "removed_line_hashes": hashes(*(removed or {}).get(path, [])),
            }
            for path in paths
        ],
    } | more  # fmt: skip


def full(name: str) -> str:
    """A hash that begins with the name."""
    return (name * 40)[:40]


def lines(what: str, count: int) -> list[str]:
    return [f"{what}_{number} = make({number})" for number in range(count)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("lines"))
    sessions = [
        *work("whole", 0, {"a.py": lines("whole", 10)}),
        *work("mixed", 10, {"b.py": lines("mixed", 6)}),
        *work("rewritten", 20, {"c.py": lines("rewritten", 10)}),
        *work("common", 30, {"d.py": COMMON}),
        *work("one of two", 40, {"e.py": lines("first", 8)}),
        *work("two of two", 40.1, {"f.py": lines("second", 2)}, agent="claude_code"),
        *work("several", 50, {"g.py": lines("several", 9)}),
        *work("several", 51.5, {"g.py": lines("later", 3)}),
        *work("old", -24 * 30, {"h.py": lines("old", 5)}),
        *work("abandoned", 60, {"i.py": lines("abandoned", 5)}),
        *work("asked", 61, {}),
        *work("undone", 70, {"j.py": lines("undone", 4)}),
        *work("noted", 80, {"k.py": lines("noted", 4)}),
        *work("back and forth", 90, {"l.py": lines("draft", 20)}),
        *work("back and forth", 90.1, {"l.py": lines("final", 4)},
              removed={"l.py": lines("draft", 20)}),
        *work("elsewhere", 100, {"m.py": lines("elsewhere", 5)}),
        *work("squashed", 110, {"n.py": lines("squashed", 6), "o.py": lines("part", 2)}),
        *work("picked", 120, {"p.py": lines("picked", 3)}),
        *work("nowhere", 130, {"q.py": lines("nowhere", 3)}, repository=None),
        *work("by its folder", 140, {"r.py": lines("folder", 3)}, repository=None),
    ]  # fmt: skip
    commits = [
        commit("1", 1, {"a.py": lines("whole", 10)}),
        commit("2", 11, {"b.py": lines("mixed", 6) + lines("by_hand", 30)}),
        commit("3", 21, {"c.py": lines("rewritten", 5) + lines("otherwise", 10)}),
        commit("4", 31, {"d.py": COMMON, "d2.py": COMMON, "d3.py": COMMON}),
        commit("5", 41, {"e.py": lines("first", 8), "f.py": lines("second", 2)}),
        commit("6", 51, {"g.py": lines("several", 9)}),
        commit("7", 52, {"g.py": lines("later", 3)}),
        commit("8", 53, {"h.py": lines("old", 5)}),
        commit("9", 71, {"j.py": lines("undone", 4)}),
        commit("a", 72, {"j.py": []}, removed={"j.py": lines("undone", 4)}),
        commit("b", 81, {"k.py": lines("noted", 4) + lines("more", 4)}),
        commit("c", 91, {"l.py": lines("final", 4) + lines("person", 40)}),
        commit("d", 101, {"other/m.py": lines("elsewhere", 5)}),
        commit("e", 102, {}, is_merge=True) | {"files": None},
        commit("f", 111, {"n.py": lines("squashed", 6)}, branch="side"),
        commit("01", 112, {"o.py": lines("part", 2)}, branch="side"),
        commit("02", 113, {"n.py": lines("squashed", 6), "o.py": lines("part", 2)}),
        commit("03", 121, {"p.py": lines("picked", 3)}, **PATCH),
        commit("04", 122, {"p.py": lines("picked", 3)}, branch="release", **PATCH),
        commit("06", 131, {"q.py": lines("nowhere", 3)}),
        commit("07", 141, {"r.py": lines("folder", 3)}, repository="/home/jo/widgets"),
        commit(
            "08",
            150,
            {"g.py": ["replaced = 1"]},
            removed={"g.py": lines("later", 1)},
            commit_message="Fix the later one",
        ),
        commit("09", 151, {}, removed={"g.py": lines("several", 1)}, commit_message="Prefix it"),
        commit("05", 123, {}, removed={"p.py": lines("picked", 3)}, branch="release"),
    ]
    survival = [
        {"repository": WIDGETS, "commit_hash": full(name), "age_days": age,
         "lines_alive": len(alive), "lines_at_start": start, "alive_line_hashes": alive,
         "in_default_branch": name != "05", "measured_at": int(at(24 * age).timestamp())}
        for name, age, alive, start in (
            ("05", 0, [], 0),
            ("b", 14, hashes(*lines("noted", 4), *lines("more", 4)), 8),
            ("1", 14, hashes(*lines("whole", 7)), 10),
            ("2", 14, hashes(*lines("mixed", 2), *lines("by_hand", 20)), 36),
        )
    ]  # fmt: skip
    notes = [
        {"repository": WIDGETS, "commit_hash": "b" * 40, "source": "git_ai", "agent": "claude",
         "agent_session_id": "noted", "contributor": "ai", "path": "k.py", "ranges": "1-6",
         "lines": 6, "note_version": "authorship/3.0.0"},
    ]  # fmt: skip
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, sessions), delivered(Signal.COMMITS, commits),
        delivered(Signal.LINE_SURVIVAL, survival), delivered(Signal.ATTRIBUTIONS, notes),
    ])  # fmt: skip
    warehouse.build()
    return warehouse


def fact(built: Warehouse, name: str, *columns: str) -> tuple[Any, ...]:
    [row] = built.rows(
        f"SELECT {', '.join(columns)} FROM marts.fct_git_commits WHERE commit_hash = '{full(name)}'"
    )
    return tuple(row)


@pytest.mark.parametrize(
    ("name", "tier", "session", "ai_lines", "effective"),
    [
        pytest.param("1", "lines", "whole", 10, 10, id="all of it"),
        pytest.param("2", "lines", "mixed", 6, 36, id="beside a person's lines"),
        pytest.param("3", "untracked", None, None, 15, id="more than 20 % rewritten"),
        pytest.param("4", "untracked", None, None, 6, id="lines that everybody writes"),
        pytest.param("5", "lines", "one of two", 10, 10, id="two sessions, the larger part"),
        pytest.param("8", "untracked", None, None, 5, id="written more than 21 days before"),
        pytest.param("b", "note", "noted", 6, 8, id="a note goes before lines"),
        pytest.param("c", "lines", "back and forth", 4, 44, id="what it took out itself"),
        pytest.param("d", "untracked", None, None, 5, id="in another file of the same name"),
        pytest.param("e", "untracked", None, None, None, id="a merge"),
        pytest.param("06", "untracked", None, None, 3, id="in a repository nobody knows"),
        pytest.param("07", "lines", "by its folder", 3, 3, id="in the folder of the repository"),
    ],
)
def test_a_commit_belongs_to_the_session_that_wrote_its_lines(
    built: Warehouse, name: str, tier: str, session: str | None, ai_lines: int | None,
    effective: int | None,
) -> None:  # fmt: skip
    columns = ("attribution_tier", "session_id", "ai_lines", "effective_lines_added")
    assert fact(built, name, *columns) == (tier, session, ai_lines, effective)


def test_two_sessions_of_one_commit_each_have_their_lines(built: Warehouse) -> None:
    assert built.rows(
        "SELECT session_id, attribution_tier, attributed_lines FROM marts.fct_commit_sessions "
        f"WHERE commit_hash = '{'5' * 40}' ORDER BY 1"
    ) == [("one of two", "lines", 8), ("two of two", "lines", 2)]


def test_a_session_is_split_over_its_commits_by_lines(built: Warehouse) -> None:
    assert built.rows(
        "SELECT left(commit_hash, 1), attributed_lines, cost_share_usd "
        "FROM marts.fct_commit_sessions WHERE session_id = 'several' ORDER BY 1"
    ) == [("6", 9, Decimal("1.5")), ("7", 3, Decimal("0.5"))]


def test_what_was_taken_out_again_line_by_line_is_reverted(built: Warehouse) -> None:
    assert [fact(built, name, "is_reverted") for name in ("9", "a", "1")] == [
        (True,), (False,), (False,),
    ]  # fmt: skip


def test_a_commit_whose_lines_a_fix_replaces_was_followed_by_one(built: Warehouse) -> None:
    assert built.rows(
        "SELECT fixed_commits FROM marts.fct_outcomes_monthly "
        f"WHERE repository = '{WIDGETS}' AND month = '2026-11-01'"
    ) == [(1,)]


def test_survival_is_of_all_lines_and_of_the_agents(built: Warehouse) -> None:
    assert fact(built, "2", "survived_14d", "survived_30d") == (22, None)
    assert built.rows(
        "SELECT lines_alive_14d, ai_lines_alive_14d, linked_cost_per_surviving_line_14d_usd "
        f"FROM marts.fct_outcomes_monthly WHERE repository = '{WIDGETS}' AND month = '2026-11-01'"
    ) == [(37, 9, None)]


@pytest.mark.parametrize(
    ("session", "linkage", "yielded"),
    [
        ("whole", "linked", "productive"),
        ("undone", "linked", "reverted"),
        ("asked", "unlinked", "no_edits"),
    ],
)
def test_every_session_says_what_became_of_its_cost(
    built: Warehouse, session: str, linkage: str, yielded: str
) -> None:
    assert built.rows(
        f"SELECT linkage, yield_class FROM marts.fct_outcome_costs WHERE session_id = '{session}'"
    ) == [(linkage, yielded)]


def test_an_edit_without_a_commit_is_pending_and_then_abandoned(built: Warehouse) -> None:
    found = built.rows(
        "SELECT linkage, yield_class FROM marts.fct_outcome_costs WHERE session_id = 'abandoned'"
    )
    is_recent = datetime.now(UTC) < at(60) + timedelta(days=14)
    assert found == [("pending", "pending") if is_recent else ("unlinked", "abandoned")]


def test_shares_stand_beside_their_coverage(built: Warehouse) -> None:
    [(lines_of_all, covered, ai, landed, changed, reworked)] = built.rows(
        "SELECT effective_lines, covered_lines, ai_lines, lines_committed, changed_lines, "
        f"reworked_lines FROM marts.fct_outcomes_monthly WHERE repository = '{WIDGETS}' "
        "AND month = '2026-11-01'"
    )
    assert (lines_of_all, covered) == (155 + 8 + 3 + 3 + 1, 124 + 8 + 3)
    assert ai == 10 + 6 + 10 + 9 + 3 + 4 + 6 + 4 + 8 + 3
    assert landed == 10 + 6 + 8 + 2 + 12 + 4 + 6 + 4 + 8 + 3
    assert (changed, reworked) == (4 + 3 + 2, 4 + 3 + 2)


def test_only_hashes_are_stored(built: Warehouse, tmp_path: Path) -> None:
    stored = built.rows(
        "SELECT CAST(payload AS VARCHAR) FROM raw_agent_session_records WHERE kind = 'edit' "
        "UNION ALL SELECT CAST(added_line_hashes AS VARCHAR) FROM raw_git_commit_files"
    )
    assert stored
    assert not [text for (text,) in stored if text and "make(" in text]


def test_a_squash_or_a_cherry_pick_counts_once_and_bears_the_whole_cost(built: Warehouse) -> None:
    assert built.rows(
        "SELECT session_id, left(commit_hash, 2), attribution_tier, attributed_lines, "
        "cost_share_usd FROM marts.fct_commit_sessions "
        "WHERE session_id IN ('squashed', 'picked') ORDER BY 1, 2"
    ) == [
        ("picked", "03", "lines", 3, 1), ("picked", "04", "lines", 3, 0),
        ("squashed", "01", "lines", 2, 0), ("squashed", "02", "lines", 8, 1),
        ("squashed", "ff", "lines", 6, 0),
    ]  # fmt: skip


def test_what_was_undone_on_another_branch_stands_in_the_default_one(built: Warehouse) -> None:
    assert [fact(built, name, "is_reverted") for name in ("03", "04")] == [(False,), (True,)]


def test_which_noted_lines_are_alive_is_unknown_unless_all_are_an_agents(built: Warehouse) -> None:
    assert built.rows(
        "SELECT ai_survival_14d FROM marts.fct_outcomes_monthly "
        f"WHERE repository = '{WIDGETS}' AND month = '2026-11-01'"
    ) == [(9 / 16,)]
