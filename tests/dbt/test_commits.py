"""Which agent made a commit, and what it cost, by telemetry, session files and what hooks tell."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from agent_analytics_collector.envelope import Envelope, Signal
from tests.conftest import FIXTURES
from tests.dbt.records import Record, delivered, recorded_commits, session_records
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
    told = {
        "commit_hash": sha, "timestamp": int(at(when).timestamp()), "commit_message": message,
        "author_name": "Jo", "author_email": "jo@example.com", "files_changed": 1,
        "lines_added": 3, "lines_deleted": 1, "repository": repository, "branch": branch,
        "is_merge": False, "recorded_by": recorded_by,
    }  # fmt: skip
    warehouse.load([delivered(Signal.COMMITS, [told])])


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
    rewrite = {"repository": OTHER, "old_hash": "d" * 40, "new_hash": "e" * 40, "kind": "amend"}
    warehouse.load([delivered(Signal.REWRITES, [rewrite])])
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


RECORDED_REPOSITORIES = {
    "g-version-resattrs": "~/src/claude-g-version-resattrs",
    "p-all-flags": WIDGETS,
    "c-commit": "~/src/claude-c-commit",
}
AGENTS_COMMITS = {
    "g-version-resattrs": "75c71d109942374a060c57846485729b60a2f9b8",
    "p-all-flags": RECORDED,
    "c-commit": "88247cc69e4061af98a05d011ca3d0ed688f7300",
}
FILES = {"c-commit": "tool_call", "g-version-resattrs": "tool_call", "p-all-flags": "tool_call"}
TIERS = {
    "telemetry": FILES | {"c-commit": "untracked"},
    "files": FILES,
    "both": FILES,
    # c-commit's first record lies after the whole second of its commit.
    "files without a SHA": {name: "window" for name in FILES} | {"c-commit": "untracked"},
    "neither": {name: "untracked" for name in FILES},
}


def files_of(scenario: str, evidence: str) -> list[Record]:
    """The records as the importer reads them where the repository still is."""
    return [
        record | {"repository": RECORDED_REPOSITORIES[scenario]}
        for record in session_records(FIXTURES / "claude" / scenario)
        if "SHA" not in evidence or record["kind"] != "commit"
    ]


@pytest.fixture(scope="module", params=TIERS)
def evidence(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    recordings: dict[str, list[Envelope]],
) -> tuple[str, Warehouse]:
    """What is known of three recorded runs, and their commits as the hook tells them."""
    kind: str = request.param
    warehouse = Warehouse(tmp_path_factory.mktemp("evidence"))
    for scenario, repository in RECORDED_REPOSITORIES.items():
        if kind in ("telemetry", "both"):
            warehouse.load(recordings[scenario])
        if "files" in kind or kind == "both":
            warehouse.load([delivered(Signal.SESSION_RECORDS, files_of(scenario, kind))])
        commits = recorded_commits(FIXTURES / "claude" / scenario, repository)
        warehouse.load([delivered(Signal.COMMITS, commits)])
    warehouse.build("--select", "+fct_git_commits", "--exclude-resource-type", "test")
    return kind, warehouse


def test_the_agents_commit_is_found_by_what_is_known_of_it(
    evidence: tuple[str, Warehouse],
) -> None:
    kind, warehouse = evidence
    for scenario, sha in AGENTS_COMMITS.items():
        tier = TIERS[kind][scenario]
        session = session_records(FIXTURES / "claude" / scenario)[0]["session_id"]
        confidence = {"tool_call": Decimal("1.0"), "window": Decimal("0.4"), "untracked": None}
        known = tier != "untracked"
        assert attribution(warehouse, sha) == (
            tier, "claude_code" if known else None, session if known else None,
            confidence[tier], known,
        )  # fmt: skip


def test_a_commit_just_before_the_session_is_nobodys(evidence: tuple[str, Warehouse]) -> None:
    """`init` lies less than two seconds before: rounding must not claim it."""
    _, warehouse = evidence
    inits = set(
        warehouse.rows(
            "SELECT attribution_tier, agent, session_id, cost_usd FROM marts.fct_git_commits "
            f"WHERE commit_hash NOT IN {tuple(AGENTS_COMMITS.values())}"
        )
    )
    assert inits == {("untracked", None, None, None)}
    assert warehouse.rows("SELECT count(*) FROM marts.fct_git_commits") == [(6,)]


def test_both_commits_of_one_call_are_the_sessions(tmp_path: Path) -> None:
    """telemetry.md 25: telemetry has no SHA of them; the file's are short and of one repository."""
    shas = ("a1" * 20, "b2" * 20)
    records = [r | {"repository": OTHER} for r in session_records(FIXTURES / "claude" / "c-commit")]
    [made] = [record for record in records if record["kind"] == "commit"]
    told = [made | {"payload": made["payload"] | {"git_commit_id": sha[:7]}} for sha in shas]
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, [*(r for r in records if r is not made), *told])
    ])  # fmt: skip
    for sha in shas:
        commit(warehouse, sha, "2026-11-22 03:39:05")
    commit(warehouse, "a1" * 19 + "ff", "2026-11-22 03:39:05", WIDGETS)
    warehouse.build()
    assert warehouse.rows(
        "SELECT commit_hash, attribution_tier FROM marts.fct_commit_sessions ORDER BY 1"
    ) == [(sha, "tool_call") for sha in shas]
    assert warehouse.rows(
        "SELECT git_commit_id, commits_reported FROM marts.fct_tool_calls WHERE tool_name = 'Bash'"
    ) == [(None, 2)]
    assert warehouse.rows("SELECT commits, commits_reported FROM marts.fct_agent_sessions") == [
        (2, 2)
    ]


def test_an_amended_commit_of_a_session_file_is_the_new_one(tmp_path: Path) -> None:
    """Squashed with another: the agent's SHA is in no history, the one commit is the session's."""
    scenario = FIXTURES / "claude" / "c-commit"
    repository = RECORDED_REPOSITORIES["c-commit"]
    made, _ = recorded_commits(scenario, repository)
    last = made | {"commit_hash": "e" * 40, "timestamp": made["timestamp"] + 86_400}
    rewrites = [
        {"repository": repository, "old_hash": old, "new_hash": "e" * 40, "kind": "rebase"}
        for old in (made["commit_hash"], "f" * 40)
    ]
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, session_records(scenario)),
        delivered(Signal.COMMITS, [made, last]),
        delivered(Signal.REWRITES, rewrites),
    ])  # fmt: skip
    warehouse.build()
    assert warehouse.rows(
        "SELECT commit_hash, attribution_tier, session_id IS NULL FROM marts.fct_git_commits"
    ) == [("e" * 40, "tool_call", False)]
    assert warehouse.rows("SELECT DISTINCT kind FROM staging.stg_git_rewrites") == [("squash",)]


def test_a_commit_told_by_clones_with_another_origin_or_none_is_one(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home")
    for repository in (None, "/home/jo/gadgets", OTHER, "git@github.com:acme/gadgets.git"):
        commit(warehouse, "a" * 40, "2026-11-20 03:00:00", repository)
    warehouse.build()
    assert warehouse.rows("SELECT repository, lines_added FROM marts.fct_git_commits") == [
        (OTHER, 3)
    ]


def test_an_amend_that_was_undone_brings_the_old_commit_back(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home")
    for sha in ("a", "b"):
        commit(warehouse, sha * 40, "2026-11-20 03:00:00")
    for number, (old, new) in enumerate((("a", "b"), ("b", "a"))):
        told = {"repository": OTHER, "old_hash": old * 40, "new_hash": new * 40, "kind": "amend"}
        received = at(f"2026-11-20 04:00:0{number}")
        warehouse.load([delivered(Signal.REWRITES, [told], received_at=received)])
    warehouse.build()
    assert warehouse.rows("SELECT commit_hash FROM marts.fct_git_commits") == [("a" * 40,)]


def test_a_log_that_a_tool_shows_claims_no_commit(tmp_path: Path) -> None:
    """The file's tool output prints git's own line of a commit that somebody made days before."""
    scenario = FIXTURES / "claude" / "c-commit"
    made, _ = recorded_commits(scenario, RECORDED_REPOSITORIES["c-commit"])
    older = made | {"timestamp": made["timestamp"] - 3 * 86_400}
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, session_records(scenario)),
        delivered(Signal.COMMITS, [older]),
    ])  # fmt: skip
    warehouse.build()
    assert warehouse.rows("SELECT attribution_tier FROM marts.fct_git_commits") == [("untracked",)]
