"""Commits told in two halves, so that the second changes what is to be said of the first."""

from __future__ import annotations

from typing import Any

from agent_analytics_collector.envelope import Envelope, Signal
from tests.dbt.records import delivered
from tests.dbt.test_lines import WIDGETS, at, commit, full, hashes, lines, work


def first() -> list[Envelope]:
    """What is there before the news."""
    sessions = [
        *work("popular", 200, {"p.py": lines("popular", 4)}),
        *work("rival", 210, {"q.py": lines("rival", 6)}),
        *work("fixer", 220, {"r.py": lines("fixed", 5)}),
        *work("measured", 230, {"s.py": lines("measured", 7)}),
        *work("noted later", 240, {"t.py": lines("noted", 3)}),
        *work("cloned", 250, {"u.py": lines("cloned", 3)}),
        *work("untold", 260, {"v.py": lines("untold", 3)}),
        *work("kept", 270, {"w.py": lines("kept", 4)}),
        *work("before", 280, {"x.py": lines("before", 10)}),
    ]
    commits = [
        commit("10", 201, {"p.py": lines("popular", 4)}),
        commit("11", 211, {"q.py": lines("rival", 6)}),
        commit("12", 221, {"r.py": lines("fixed", 5)}),
        commit("13", 223, {"r.py": lines("other", 2)}, removed={"r.py": lines("fixed", 2)}),
        commit("14", 231, {"s.py": lines("measured", 7)}),
        commit("15", 241, {"t.py": lines("noted", 3)}),
        commit("16", 251, {"u.py": lines("cloned", 3)}, repository="/home/jo/clone"),
        commit("17", 261, {"v.py": lines("untold", 3)})
        | {"files": [{"path": "v.py", "lines_added": 3, "is_excluded": False}]},
        commit("18", 271, {"w.py": lines("kept", 4)}),
        commit("19", 281, {"x.py": lines("before", 6)}),
        commit("20", 283, {"x.py": lines("before", 10)[6:]}),
    ]
    return [
        delivered(Signal.SESSION_RECORDS, sessions),
        delivered(Signal.COMMITS, commits),
        delivered(Signal.LINE_SURVIVAL, [_survival("10", 14, lines("popular", 3), 4)]),
    ]


def rest() -> list[Envelope]:
    """Other lines, sessions, weights, tiers and ages of the same commits."""
    sessions = [
        *work("other writer", 210.5, {"q.py": lines("rival", 4)}),
        *work("before", 282, {"x.py": lines("again", 2)}, removed={"x.py": lines("before", 2)}),
    ]
    commits = [
        # Lines that stand in five files are no evidence any more.
        commit("21", 300, {f"copy_{n}.py": lines("popular", 4) for n in range(5)}),
        # Between two that were there: it takes out what the later one brings back.
        commit("22", 222, {}, removed={"r.py": lines("fixed", 5)}, commit_message="Fix it"),
        commit("23", 224, {"r.py": lines("fixed", 5)}),
        commit("24", 225, {}, removed={"r.py": lines("other", 2)}, commit_message="Fix it too"),
        commit("16", 251, {"u.py": lines("cloned", 3)}),
        commit("17", 261, {"v.py": lines("untold", 3)}),
        commit("25", 280.5, {"x.py": lines("before", 1)}),
    ]
    note = {
        "repository": WIDGETS, "commit_hash": full("15"), "source": "git_ai", "agent": "claude",
        "agent_session_id": "noted later", "contributor": "ai", "path": "t.py", "ranges": "1-2",
        "lines": 2, "note_version": "authorship/3.0.0",
    }  # fmt: skip
    return [
        delivered(Signal.SESSION_RECORDS, sessions),
        delivered(Signal.COMMITS, commits),
        delivered(Signal.LINE_SURVIVAL, [_survival("14", 14, lines("measured", 5), 7)]),
        delivered(Signal.ATTRIBUTIONS, [note]),
    ]


def _survival(name: str, age: int, alive: list[str], lines_at_start: int) -> dict[str, Any]:
    return {
        "repository": WIDGETS, "commit_hash": full(name), "age_days": age,
        "lines_alive": len(alive), "lines_at_start": lines_at_start,
        "alive_line_hashes": hashes(*alive), "in_default_branch": True,
        "measured_at": int(at(24 * age).timestamp()),
    }  # fmt: skip
