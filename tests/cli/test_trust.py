"""Sources side by side, `verify` and `audit`, over marts that dbt built from all recordings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import click.testing
import pytest
from click.testing import CliRunner

from agent_analytics_cli.audit import source as audit_source
from agent_analytics_cli.audit.request import read_request
from agent_analytics_cli.audit.source import open_numbers
from agent_analytics_cli.main import cli
from agent_analytics_cli.verify_checks import CHECKS
from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.publish import publish_new_runs
from tests.conftest import FIXTURES
from tests.dbt.agents import session_files, telemetry
from tests.dbt.conftest import SCENARIOS
from tests.dbt.records import Record, delivered, recorded_commits
from tests.dbt.records import session_files as claude_session_files
from tests.dbt.telemetry import api_request, counter, event
from tests.dbt.warehouse import Warehouse, recorded

pytestmark = pytest.mark.slow

OPUS = "claude-opus-5-5"
WITHOUT_FILE = "a-simple"
"""The scenario whose session file is gone."""
HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


def file_request(session: str, request_id: str, when: str, **tokens: int) -> Record:
    payload = {"request_id": request_id, "model": OPUS, **tokens}
    return {
        "agent": "claude_code", "session_id": session, "kind": "request",
        "timestamp": f"{when.replace(' ', 'T')}Z", "payload": payload,
    }  # fmt: skip


def switched_on_late() -> list[Envelope]:
    """A session whose second request telemetry saw, and its first only the file."""
    lines = [
        file_request("late", f"late {n}", f"2026-11-22 03:0{n}:00", input_tokens=n, output_tokens=1)
        for n in (1, 2)
    ]
    seen = api_request(
        "late 2", OPUS, "2026-11-22 03:02:00", session="late", input_tokens=2, output_tokens=1
    )
    return [delivered(Signal.SESSION_RECORDS, lines), seen]


def of_metrics_alone() -> list[Envelope]:
    """A session of which metrics saw more than the one event that came."""
    points = [
        ("2026-11-22 03:02:00", value, {"type": kind, "model": OPUS, "query_source": "main"})
        for kind, value in (("input", 30.0), ("output", 5.0))
    ]
    cost = [("2026-11-22 03:02:00", 0.0003, {"model": OPUS, "query_source": "main"})]
    return [
        api_request("seen", OPUS, "2026-11-22 03:01:00", session="metered", input_tokens=10,
                    output_tokens=1, cost_usd=0.00006, cost_usd_micros=60),
        counter("token.usage", points, "metered"),
        counter("cost.usage", cost, "metered"),
    ]  # fmt: skip


def spent_in_cursor() -> Envelope:
    day = {
        "vendor": "cursor", "day": "2026-11-21", "actor": "jo@acme.com", "model": OPUS,
        "input_tokens": 1000, "output_tokens": 100, "cost_usd": "0.05", "payload": {"events": 3},
    }  # fmt: skip
    return delivered(Signal.VENDOR_USAGE, [day])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Everything, built and published once. Look, do not change."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    commits = [
        delivered(Signal.COMMITS, found)
        for name in SCENARIOS
        if (found := recorded_commits(FIXTURES / "claude" / name, "https://github.com/acme/app"))
    ]
    warehouse.load(
        [
            *(envelope for name in SCENARIOS for envelope in recorded(FIXTURES / "claude" / name)),
            *(
                claude_session_files(FIXTURES / "claude" / name)
                for name in SCENARIOS
                if name != WITHOUT_FILE
            ),
            *telemetry(),
            *session_files(),
            *commits,
            *switched_on_late(),
            *of_metrics_alone(),
            event("api_error", "2026-11-22 03:05:00", "late", model=OPUS, status_code=500),
            spent_in_cursor(),
        ]
    )
    warehouse.build()
    publish(warehouse)
    return warehouse


def publish(warehouse: Warehouse) -> None:
    with warehouse.open() as connection:
        assert publish_new_runs(connection, warehouse.home, load_settings(warehouse.home).settings)


@pytest.fixture
def here(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The built home is the one that commands use; to look at only."""
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(built.home.root))
    return built


@pytest.fixture
def tampered(built: Warehouse, home: Home) -> Callable[[str], None]:
    """Changes a copy of the DuckDB file in the home that commands use."""
    shutil.copytree(built.home.data, home.data, dirs_exist_ok=True, symlinks=True)
    return Warehouse(home.root).execute


def run(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, list(arguments), prog_name="agent-analytics")


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout, parse_float=Decimal)


# fct_reconciliation and fct_cost_gaps


def test_sources_of_recordings_agree_but_where_the_reason_is_named(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT agent, left_source, right_source, explanation, count(*) "
        "FROM marts.fct_reconciliation WHERE session_id NOT IN ('late', 'metered') "
        "GROUP BY ALL ORDER BY ALL"
    )
    events, spans, file, metrics = (
        "telemetry_events", "telemetry_spans", "session_file", "telemetry_metrics",
    )  # fmt: skip
    assert rows == [
        ("claude_code", events, file, "equal", 15),
        ("claude_code", events, file, "file deleted or not imported", 1),
        ("claude_code", events, file, "models without price", 1),
        ("claude_code", events, metrics, "equal", 16),
        ("claude_code", events, metrics, "no metrics name the session", 1),
        ("codex", events, file, "equal", 6),
        ("copilot_cli", spans, file, "equal", 3),
        ("gemini_cli", events, file, "router or title requests are never in files", 3),
        ("gemini_cli", events, metrics, "equal", 3),
    ]


def test_a_gap_is_what_one_side_has_more(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT session_id, right_source, left_requests, right_requests, gap_tokens, gap_cost_usd, "
        "explanation FROM marts.fct_reconciliation WHERE session_id IN ('late', 'metered') "
        "ORDER BY ALL"
    )
    # USD per million of claude-opus-5-5: 4 of input, 20 of output.
    assert rows == [
        ("late", "session_file", 1, 2, -2, Decimal("-0.000024"), "telemetry began later"),
        ("late", "telemetry_metrics", 1, None, 3, Decimal("0.000028"),
         "no metrics name the session"),
        ("metered", "session_file", 1, None, 11, Decimal("0.000060"),
         "file deleted or not imported"),
        ("metered", "telemetry_metrics", 1, None, -24, Decimal("-0.000240"),
         "events lost that metrics tell of"),
    ]  # fmt: skip


def test_the_session_without_router_requests_has_exactly_their_gap(built: Warehouse) -> None:
    assert built.rows(
        "SELECT sum(gap_tokens), sum(gap_cost_usd), sum(left_requests - right_requests), "
        "(SELECT sum(total_tokens) FROM marts.fct_agent_requests "
        "WHERE query_source = 'utility_router'), (SELECT sum(cost_usd) "
        "FROM marts.fct_agent_requests WHERE query_source = 'utility_router') "
        "FROM marts.fct_reconciliation WHERE explanation LIKE 'router%'"
    ) == [(960, Decimal("0.00042"), 3, 960, Decimal("0.00042"))]


def test_reported_cost_stands_beside_the_computed_one(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT model, compared_requests, differing_requests, reported_only_requests, "
        "reported_cost_usd, computed_cost_usd, gap_usd FROM marts.fct_cost_gaps "
        "WHERE agent = 'claude_code' ORDER BY 1"
    )
    opus, opus_4_8, sonnet, weird = rows[1], rows[0], rows[2], rows[3]
    assert opus_4_8[1:] == (6, 0, 0, Decimal("0.13191"), Decimal("0.13191"), 0)
    assert opus[1:4] == (64, 0, 0)
    assert opus[4] == opus[5]
    assert sonnet[1:4] == (1, 0, 0)
    assert weird == ("my-weird-model", 0, 0, 1, None, None, None)


# verify


def test_every_invariant_holds_of_all_recordings(here: Warehouse) -> None:
    result = run("verify")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("✓ pass") == len(CHECKS) + 1
    assert f"{len(CHECKS) + 1} pass, 0 fail, 0 not checked." in result.stderr
    assert "router or title requests are never in files: 3" in result.stderr
    printed = run_json("verify")
    assert printed["read"] == "live"
    assert {check["outcome"] for check in printed["checks"]} == {"pass"}
    assert sum(printed["compared_sources"].values()) == 53


REQUESTS = "UPDATE marts.fct_agent_requests SET {} WHERE request_key = 'claude_code:seen'"
BROKEN = {
    "no_negative_amounts": REQUESTS.format("output_tokens = -1"),
    "no_negative_delta": "UPDATE staging.stg_claude_code__metrics SET increment = -1 "
    "WHERE session_id = 'metered' AND type = 'input'",
    "parts_are_the_total": REQUESTS.format("total_tokens = 12"),
    "no_request_twice": "INSERT INTO marts.fct_agent_requests SELECT * REPLACE "
    "('claude_code:other:seen' AS request_key, 'claude_code:other' AS session_key) "
    "FROM marts.fct_agent_requests WHERE request_key = 'claude_code:seen'",
    "no_record_twice": "INSERT INTO raw_otel_spans SELECT * FROM raw_otel_spans LIMIT 1",
    "every_request_has_its_raw_rows":
        "DELETE FROM staging.stg_claude_code__events WHERE request_id = 'seen'",
    "every_model_has_a_price": REQUESTS.format("cost_source = 'unpriced', cost_usd = NULL"),
    "costs_have_their_source": REQUESTS.format("cost_source = 'computed', cost_usd = 7"),
    "costs_are_tokens_times_price": REQUESTS.format("computed_cost_usd = 0.00005"),
    "requests_are_inside_their_sessions":
        REQUESTS.format("requested_at = requested_at - INTERVAL 1 DAY"),
    "sessions_are_their_requests":
        "UPDATE marts.fct_agent_sessions SET requests = 3 WHERE session_id = 'metered'",
    "days_are_their_requests":
        "UPDATE marts.fct_daily_agent_usage SET cost_usd = cost_usd + 1 WHERE agent = 'codex'",
    "costs_are_the_whole_spend":
        "DELETE FROM marts.fct_agent_costs WHERE cost_source = 'metric_remainder'",
    "quarter_hours_are_the_whole_spend":
        "DELETE FROM marts.fct_usage_15min WHERE agent = 'cursor'",
    "commit_shares_are_session_costs":
        "UPDATE marts.fct_commit_sessions SET cost_share_usd = 0 WHERE agent = 'claude_code'",
    "published_is_live": "DELETE FROM marts.dim_projects",
}  # fmt: skip


def test_each_invariant_has_a_way_to_be_broken() -> None:
    assert set(BROKEN) == {check.name for check in CHECKS} | {"published_is_live"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_invariant_fails_with_its_rows_and_what_to_do(
    name: str, tampered: Callable[[str], None]
) -> None:
    tampered(BROKEN[name])
    result = run("verify", "--json")
    assert result.exit_code == 1
    checks = {check["check"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks[name]["outcome"] == "fail"
    assert checks[name]["failures"] >= len(checks[name]["rows"]) > 0
    assert "`agent-analytics " in checks[name]["next_step"]


def test_a_request_that_file_and_telemetry_both_count_is_one_too_many(
    tampered: Callable[[str], None],
) -> None:
    tampered(
        "INSERT INTO marts.fct_agent_requests SELECT * REPLACE ('codex:' || md5('x') AS "
        "request_key, 'event' AS seen_in) FROM marts.fct_agent_requests WHERE request_key = "
        "(SELECT min(request_key) FROM marts.fct_agent_requests WHERE agent = 'codex')"
    )
    tampered(
        "UPDATE marts.fct_agent_requests SET seen_in = 'session_file' WHERE request_key = "
        "(SELECT min(request_key) FROM marts.fct_agent_requests WHERE agent = 'codex' "
        "AND seen_in = 'event+session_file')"
    )
    checks = {check["check"]: check for check in run_json("verify")["checks"]}
    reasons = {row["reason"] for row in checks["no_request_twice"]["rows"]}
    assert reasons == {"telemetry and file tell of the same"}


def test_offending_rows_are_shown_as_many_as_asked_for(tampered: Callable[[str], None]) -> None:
    tampered("UPDATE marts.fct_agent_requests SET total_tokens = 0 WHERE agent = 'codex'")
    result = run("verify", "--rows", "2")
    assert result.exit_code == 1
    [line] = [line for line in result.stdout.splitlines() if "add up to the total" in line]
    assert line.startswith("✗ fail")
    assert line.endswith("20 of 120 requests, the first 2:")
    assert "→ `agent-analytics transform --full-refresh`" in result.stdout
    assert "the first" not in run("verify", "--rows", "0").stdout


def test_while_the_file_is_open_elsewhere_the_published_marts_are_checked(
    here: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_source, "WAIT_S", 0.0)
    command = [sys.executable, "-c", HOLD, str(here.home.database)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        result = run("verify")
        printed = run_json("verify")
        audited = run("audit", "claude_code:seen")
        holder.communicate("\n")
    assert result.exit_code == 0, result.output
    below = [check.name for check in CHECKS if check.is_below_marts] + ["published_is_live"]
    assert result.stdout.count("· not checked") == len(below)
    first_said = result.stderr.splitlines()[0]
    assert f"is open in process {holder.pid}" in first_said
    assert first_said.endswith("Waiting up to 0 s for it.")
    assert printed["read"] == "published"
    outcomes = {check["check"]: check["outcome"] for check in printed["checks"]}
    assert [name for name, outcome in outcomes.items() if outcome != "pass"] == below
    assert audited.exit_code == 0
    assert "cost $0.00006 (agent_reported)" in audited.stdout
    assert "prices and raw rows are not shown" in audited.stderr


@pytest.mark.parametrize("arguments", [("verify",), ("audit", "abc")])
def test_before_there_are_marts_the_next_step_is_named(
    arguments: tuple[str, ...], home: Home
) -> None:
    for _ in range(2):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "`agent-analytics transform`" in result.stderr
        Warehouse(home.root).rows("SELECT 1")  # now the file is there, and empty


# audit


def test_every_request_leads_to_its_price_and_down_to_what_was_received(here: Warehouse) -> None:
    keys = here.rows("SELECT request_key, seen_in, is_error FROM marts.fct_agent_requests")
    assert len(keys) == 120
    tables: Counter[str] = Counter()
    with open_numbers(here.home) as numbers:
        for key, seen_in, is_error in keys:
            audit = read_request(numbers, key)
            found = {row["raw_table"] for row in audit.raw}
            expected = {
                "event": "raw_otel_logs",
                "span": "raw_otel_spans",
                "session_file": "raw_agent_session_records",
            }
            assert found == {expected[word] for word in seen_in.split("+")}, key
            assert len(audit.raw) == len(audit.staging)
            assert {row["batch_id"] for row in audit.batches} == {1}
            computed = audit.request["computed_cost_usd"]
            if computed is None:
                assert is_error or audit.request["model"] == "my-weird-model"
                assert (audit.price, audit.parts) == (None, [])
            else:
                assert audit.price is not None
                assert audit.price["is_proven"]
                assert sum(part["usd"] for part in audit.parts) == computed
            tables.update(row["raw_table"] for row in audit.raw)
    assert tables["raw_otel_spans"] == 11
    assert tables["raw_otel_logs"] == 71 + 20 + 14 + 3


def test_a_request_is_shown_with_its_arithmetic(here: Warehouse) -> None:
    result = run("audit", "seen")
    assert result.exit_code == 0, result.output
    assert (
        "cost $0.00006 (agent_reported)\n"
        "  The agent reported $0.00006.\n"
        "\n"
        "                  at USD\n"
        "class     tokens  per million  USD\n"
        "──────────────────────────────────────\n"
        "input         10  4            0.00004\n"
        "output         1  20           0.00002\n"
        "──────────────────────────────────────\n"
        "computed       —  —            0.00006\n"
    ) in result.stdout
    assert "Price of claude-opus-5-5, standard tier, prompts above 0 tokens" in result.stdout
    assert "stg_claude_code__events  raw_otel_logs" in result.stdout


def test_what_was_received_is_named_and_never_shown(here: Warehouse) -> None:
    printed = run_json("audit", "late 1")
    [row] = printed["raw"]
    assert row["raw_table"] == "raw_agent_session_records"
    assert not {"attributes", "payload", "body", "resource_attributes"} & set(row)
    assert printed["batches"][0]["records"] > 1000
    assert printed["price"]["is_proven"] is True
    assert [part["class"] for part in printed["parts"]] == ["input", "output"]


def test_a_session_is_its_requests_and_what_only_metrics_saw(here: Warehouse) -> None:
    printed = run_json("audit", "metered")
    assert printed["kind"] == "session"
    assert [request["request_key"] for request in printed["requests"]] == ["claude_code:seen"]
    [remainder] = printed["remainders"]
    assert (remainder["input_tokens"], remainder["output_tokens"]) == (20, 4)
    parts = printed["requests"][0]["cost_usd"] + remainder["cost_usd"]
    assert printed["session"]["cost_usd"] == parts == Decimal("0.0003")
    assert len(printed["sources"]) == 2
    text = run("audit", "metered").stdout
    assert "cost $0.0003 = $0.00006 of requests + $0.00024 that only metrics saw" in text
    assert "events lost that metrics tell of" in text


def test_a_commit_leads_to_its_sessions_and_their_shares(here: Warehouse) -> None:
    [(commit, cost)] = here.rows(
        "SELECT commit_hash, cost_usd FROM marts.fct_git_commits WHERE cost_usd > 0 "
        "ORDER BY commit_hash LIMIT 1"
    )
    printed = run_json("audit", commit[:12].upper())
    assert printed["kind"] == "commit"
    assert sum(session["cost_share_usd"] for session in printed["sessions"]) == cost
    assert [row["raw_table"] for row in printed["raw"]] == ["raw_git_commits"]
    assert "commit_message" not in printed["raw"][0]
    assert f"commit {commit}" in run("audit", commit).stdout


def test_the_start_of_an_id_is_enough_and_a_whole_one_beats_it(here: Warehouse) -> None:
    assert run_json("audit", "claude_code:see")["key"] == "claude_code:seen"
    assert run_json("audit", "late")["key"] == "claude_code:late"  # not `late 1`
    assert run_json("audit", "late 2")["key"] == "claude_code:late 2"
    [(session,)] = here.rows(
        "SELECT min(session_id) FROM marts.fct_agent_sessions WHERE agent = 'codex'"
    )
    assert run_json("audit", session)["key"] == f"codex:{session}"
    [(key, request_id)] = here.rows(
        "SELECT min(request_key), min_by(request_id, request_key) "
        "FROM intermediate.int_agent_requests WHERE agent = 'copilot_cli'"
    )
    assert run_json("audit", request_id)["key"] == key


def test_what_begins_several_ids_lists_them_and_what_begins_none_says_so(here: Warehouse) -> None:
    result = run("audit", "late ")
    assert result.exit_code == 0  # an id has no blank at its end
    several = run("audit", "req_")
    assert (several.exit_code, several.stdout) == (1, "")
    assert "'req_' names 71 of them; give more of the id:\n  request  claude_code:req_" in (
        several.stderr
    )
    assert several.stderr.endswith("  and 61 more\n")
    none = run("audit", "nothing\x1b[2J")
    assert none.exit_code == 1
    assert "No request, session or commit in the marts has an id that begins with" in none.stderr
    assert "\x1b" not in none.stderr
    assert run("audit", " ").exit_code == 2
