"""What git tells over the API, besides commits: files, lines that are alive, who wrote them."""

from __future__ import annotations

from typing import Any

import pytest

from agent_analytics_collector.home import Home
from tests.service.conftest import RunningService, Start
from tests.service.test_api import COMMIT, client, rows

SHA = "c9335bcb18f9e474573517f60b31b73d99d2217d"
FILE: dict[str, Any] = {
    "path": "a.py", "lines_added": 2, "effective_lines_added": 1, "is_excluded": False,
    "added_line_hashes": ["0123456789abcdef"], "removed_line_hashes": [],
}  # fmt: skip
LINE: dict[str, Any] = {
    "commit_hash": SHA, "source": "agent_trace", "note_id": "1", "contributor": "ai",
    "agent": "cursor", "path": "a.py", "ranges": "1-10,15", "lines": 11,
}  # fmt: skip
ALIVE: dict[str, Any] = {
    "commit_hash": SHA, "age_days": 14, "measured_at": 1796528694, "lines_alive": 1,
    "alive_line_hashes": ["0123456789abcdef"], "in_default_branch": True,
}  # fmt: skip


def test_files_survival_and_attributions_land_in_their_tables(start: Start, home: Home) -> None:
    with client(start(), home) as api:
        for path, body in (
            ("/v1/commits", COMMIT | {"files": [FILE]}),
            ("/v1/line-survival", [ALIVE, ALIVE | {"age_days": 30, "commit_hash": SHA.upper()}]),
            ("/v1/attributions", [LINE]),
        ):
            answer = api.post(path, json=body)
            assert (answer.status_code, answer.json()["rejected"]) == (200, 0), answer.text
    assert rows(home, "SELECT commit_hash, path, added_line_hashes FROM raw_git_commit_files") == [
        (SHA, "a.py", FILE["added_line_hashes"])
    ]
    assert rows(home, "SELECT commit_hash, age_days FROM raw_git_line_survival ORDER BY ALL") == [
        (SHA, 14), (SHA, 30),
    ]  # fmt: skip
    assert rows(home, "SELECT source, ranges, lines FROM raw_git_attributions") == [
        ("agent_trace", "1-10,15", 11)
    ]


def test_an_attribution_told_twice_is_a_duplicate(start: Start, home: Home) -> None:
    with client(start(), home) as api:
        assert api.post("/v1/attributions", json=LINE).json()["accepted"] == 1
        assert api.post("/v1/attributions", json=LINE).json()["duplicate"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/commits", COMMIT | {"files": [FILE | {"added_line_hashes": ["return total"]}]}),
        ("/v1/commits", COMMIT | {"files": [FILE | {"removed_line_hashes": ["A" * 16]}]}),
        ("/v1/commits", COMMIT | {"files": [FILE | {"path": ""}]}),
        ("/v1/commits", COMMIT | {"files": [{"path": str(n)} for n in range(2_001)]}),
        ("/v1/line-survival", ALIVE | {"alive_line_hashes": ["return total"]}),
        ("/v1/line-survival", ALIVE | {"age_days": -1}),
        ("/v1/line-survival", ALIVE | {"commit_hash": SHA[:12]}),
        ("/v1/attributions", LINE | {"ranges": "1-10, whatever else stood there"}),
        ("/v1/attributions", LINE | {"source": "hearsay"}),
    ],
)
def test_what_is_no_hash_no_range_or_too_much_is_refused(
    running: RunningService, path: str, body: dict[str, Any]
) -> None:
    with client(running, running.home) as api:
        answer = api.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["rejected"] == 1
