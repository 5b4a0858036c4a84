"""`sync` and `sync-copilot`: from a vendor's server on this machine into the real collector."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_cli.vendor_sync import BATCH_RECORDS
from agent_analytics_collector.connectors.token_file import TokenUnusable
from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import environment_name, load_settings
from agent_analytics_collector.warehouse.flush import flush

from ..connectors.vendor_server import Question, Reply, VendorServer, replies, vendor_server
from .conftest import StartCollector

SECRET = "the-secret-of-the-vendor"
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def run(*arguments: str) -> click.testing.Result:
    result = CliRunner().invoke(cli, [*arguments])
    assert SECRET not in result.output
    return result


def rows(home: Home, sql: str) -> list[tuple[Any, ...]]:
    flush(home, load_settings(home).settings, 30)
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def token_file(home: Home) -> Path:
    path = home.root / "vendor.token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def configure(
    home: Home, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Point every vendor to a server on this machine, with the token in its file."""

    def write(url: str) -> None:
        vendors = {
            "github": {"organisation": "acme", "api_url": url, "token_file": token_file.name},
            "claude": {"api_url": url, "token_file": str(token_file)},
            "cursor": {"api_url": url, "token_file": str(token_file)},
        }
        home.config_file.write_text(json.dumps({"vendors": vendors}))

    return write


class Vendors:
    """All three vendors at one address, each with one person's day."""

    def __init__(self, users: int = 1) -> None:
        self.users = users
        self.suggestions = 10
        self.server: VendorServer

    def __call__(self, question: Question) -> Reply:
        if question.path.startswith("/orgs/acme/"):
            if question.query["day"] != str(YESTERDAY) or "users" not in question.path:
                return Reply(204)
            assert question.headers["authorization"] == f"Bearer {SECRET}"
            return Reply(200, {"download_links": [f"{self.server.url}/file?sig={SECRET}"]})
        if question.path == "/file":
            return Reply(200, b"".join(self._user(number) for number in range(self.users)))
        if question.path.endswith("/claude_code"):
            assert question.headers["x-api-key"] == SECRET
            return Reply(200, {"data": [{
                "date": f"{question.query['starting_at']}T00:00:00Z",
                "actor": {"email_address": "jo@acme.com"},
                "model_breakdown": [{"model": "claude-opus-4-6", "tokens": {"output": 5},
                                     "estimated_cost": {"currency": "USD", "amount": 12.5}}],
            }]})  # fmt: skip
        if question.path.endswith("/cost_report"):
            return Reply(200, {"data": [{
                "starting_at": f"{TODAY}T00:00:00Z",
                "results": [{"amount": "250", "currency": "USD", "model": "claude-opus-4-6"}],
            }]})  # fmt: skip
        assert question.headers["authorization"].startswith("Basic ")
        if question.path == "/teams/filtered-usage-events":
            return Reply(200, {"usageEvents": [{
                "timestamp": str(question.body["startDate"]), "userEmail": "jo@acme.com",
                "model": "gpt-5", "tokenUsage": {"inputTokens": 7}, "chargedCents": 1.25,
            }]})  # fmt: skip
        return Reply(200, {"data": []})

    def _user(self, number: int) -> bytes:
        row = {"user_login": f"user{number}", "code_generation_activity_count": self.suggestions}
        return json.dumps(row).encode() + b"\n"


@pytest.fixture
def vendors(configure: Callable[[str], None]) -> Iterator[Vendors]:
    answers = Vendors()
    with vendor_server(answers) as server:
        answers.server = server
        configure(server.url)
        yield answers


@pytest.mark.parametrize("name", ["sync copilot", "sync-copilot"])
def test_copilots_metrics_land_and_are_replaced_by_the_next_sync(
    start_collector: StartCollector, home: Home, vendors: Vendors, name: str
) -> None:
    start_collector()
    metrics = "SELECT date, developer_id, organisation, total_suggestions FROM raw_copilot_metrics"
    first = run(*name.split())
    assert (first.exit_code, first.stderr) == (0, "")
    since = YESTERDAY - timedelta(days=27)
    assert first.stdout == (
        f"GitHub Copilot has data of 1 day from {since} to {YESTERDAY} (UTC).\n"
        "1 record: 1 accepted, 0 rejected.\n"
    )
    assert rows(home, metrics) == [(YESTERDAY, "user0", "acme", 10)]
    vendors.suggestions = 11
    assert run(*name.split(), "--days", "2").exit_code == 0
    assert rows(home, metrics) == [(YESTERDAY, "user0", "acme", 11)]


@pytest.mark.parametrize(
    ("name", "vendor", "model", "cost", "first"),
    [
        ("claude", "claude_code", "claude-opus-4-6", Decimal("0.125"), YESTERDAY),
        ("cursor", "cursor", "gpt-5", Decimal("0.0125"), YESTERDAY),
    ],
)
def test_usage_of_a_vendor_lands_with_its_cost(
    start_collector: StartCollector, home: Home, vendors: Vendors,
    name: str, vendor: str, model: str, cost: Decimal, first: date,
) -> None:  # fmt: skip
    start_collector()
    result = run("sync", name, "--since", "yesterday", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["since"], summary["until"]) == (str(YESTERDAY), str(TODAY))
    assert summary["accepted"] == summary["records"] > 0
    usage = (
        "SELECT vendor, min(usage_date), any_value(actor), model, any_value(cost_usd) "
        "FROM raw_vendor_usage WHERE model IS NOT NULL AND vendor <> 'anthropic' GROUP BY ALL"
    )
    assert rows(home, usage) == [(vendor, first, "jo@acme.com", model, cost)]


def test_anthropics_cost_report_lands_beside_the_usage_as_a_bill_of_nobody(
    start_collector: StartCollector, home: Home, vendors: Vendors
) -> None:
    start_collector()
    assert run("sync", "claude", "--days", "1").exit_code == 0
    assert vendors.server.paths[-1] == "/v1/organizations/cost_report"
    bills = (
        "SELECT usage_date, actor, model, cost_usd, output_tokens FROM raw_vendor_usage "
        "WHERE vendor = 'anthropic'"
    )
    assert rows(home, bills) == [(TODAY, None, "claude-opus-4-6", Decimal("2.5"), None)]


def test_a_dry_run_needs_no_collector_and_delivers_nothing(home: Home, vendors: Vendors) -> None:
    result = run("sync", "copilot", "--days", "3", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("\n1 record would be delivered.\n")
    assert json.loads(run("sync", "claude", "--days", "1", "--dry-run", "--json").stdout) == {
        "dry_run": True, "vendor": "Anthropic", "since": str(TODAY),
        "until": str(TODAY), "days": 1, "records": 3, "accepted": 0, "rejected": 0, "problems": [],
    }  # fmt: skip
    assert not home.database.exists()


def test_without_a_collector_no_vendor_is_asked(home: Home, vendors: Vendors) -> None:
    result = run("sync", "copilot")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: No collector is running")
    assert vendors.server.asked == []


def test_many_records_go_in_batches(
    start_collector: StartCollector, home: Home, vendors: Vendors
) -> None:
    start_collector()
    vendors.users = 2 * BATCH_RECORDS + 1
    summary = json.loads(run("sync", "copilot", "--days", "1", "--json").stdout)
    assert summary["accepted"] == vendors.users
    assert rows(home, "SELECT count(*) FROM raw_copilot_metrics") == [(vendors.users,)]


def test_a_vendor_that_has_nothing_is_said_to_have_nothing(
    start_collector: StartCollector, home: Home, configure: Callable[[str], None]
) -> None:
    start_collector()
    with vendor_server(replies(Reply(204))) as server:
        configure(server.url)
        result = run("sync", "copilot", "--days", "1")
    assert (result.exit_code, result.stdout) == (
        0, f"GitHub Copilot has nothing of {YESTERDAY} to {YESTERDAY} (UTC).\n",
    )  # fmt: skip


def test_a_record_that_our_api_does_not_take_is_counted_and_exits_1(
    start_collector: StartCollector, home: Home, vendors: Vendors
) -> None:
    start_collector()
    vendors.suggestions = -1
    result = run("sync", "copilot", "--days", "1")
    assert result.exit_code == 1
    assert "0 accepted, 1 rejected" in result.stdout
    assert "total_suggestions" in result.stderr


def test_a_refusal_is_one_sentence_and_exits_1(
    home: Home, configure: Callable[[str], None]
) -> None:
    refuses = replies(Reply(401, {"message": f"Bad credentials {SECRET}"}))
    with vendor_server(refuses) as server:
        configure(server.url)
        result = run("sync", "copilot", "--dry-run")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: GitHub refused /orgs/acme/copilot/metrics/reports/organization-1-day (401): "
        "“Bad credentials ****”. The token is wrong or has expired: make a new one.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--since", "today"], f"GitHub Copilot has nothing after {YESTERDAY} yet."),
        (["--since", "x"], "'x' is no day"),
        (["--since", "7d", "--days", "3"], "--since and --days exclude each other."),
        (["--days", "0"], "--days"),
    ],
)
def test_wrong_periods_are_wrong_usage(
    home: Home, vendors: Vendors, arguments: list[str], problem: str
) -> None:
    result = run("sync", "copilot", *arguments)
    assert result.exit_code == 2
    assert problem in result.stderr


def test_a_missing_token_says_where_to_put_it(home: Home) -> None:
    for name, vendor in (("claude", "Anthropic"), ("cursor", "Cursor")):
        result = run("sync", name)
        assert result.exit_code == 1
        assert f"There is no token for {vendor}" in result.stderr
        assert f"vendors.{name}.token_file" in result.stderr
        assert environment_name(f"vendors.{name}.token") in result.stderr
    result = run("sync", "copilot")
    assert (result.exit_code, "vendors.github.organisation" in result.stderr) == (1, True)


def test_a_token_that_others_can_read_is_not_used(
    home: Home, vendors: Vendors, token_file: Path
) -> None:
    token_file.chmod(0o644)
    result = run("sync", "cursor", "--dry-run")
    assert result.exit_code == 1
    assert f"chmod 600 {token_file}" in result.stderr
    home.config_file.write_text(json.dumps({"vendors": {"cursor": {"token": SECRET}}}))
    home.config_file.chmod(0o640)
    result = run("sync", "cursor", "--dry-run")
    assert result.exit_code == 1
    assert f"chmod 600 {home.config_file}" in result.stderr
    assert vendors.server.asked == []


def test_a_token_of_the_environment_comes_before_the_file(
    home: Home, vendors: Vendors, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_file.write_text("another-token")
    monkeypatch.setenv("AGENT_ANALYTICS_VENDORS_CLAUDE_TOKEN", SECRET)
    assert run("sync", "claude", "--days", "1", "--dry-run").exit_code == 0
    assert vendors.server.asked[0].headers["x-api-key"] == SECRET
    shown = run("config", "show")
    assert "AGENT_ANALYTICS_VENDORS_CLAUDE_TOKEN" in shown.stdout


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "https://me:word@api.example.com", "api.example.com", "https://",
     "http://127.0.0.1.example.com", "https://[", "ftp://127.0.0.1"],
)  # fmt: skip
def test_a_secret_is_never_sent_in_the_clear(home: Home, url: str) -> None:
    home.config_file.write_text(json.dumps({"vendors": {"cursor": {"api_url": url}}}))
    with pytest.raises(BadSetting, match=r"vendors\.cursor\.api_url") as raised:
        load_settings(home)
    assert "word" not in str(raised.value).replace("password", "")
    for good in ("https://api.octo.ghe.com", "http://localhost:8080", "http://[::1]:80"):
        home.config_file.write_text(json.dumps({"vendors": {"cursor": {"api_url": good}}}))
        assert load_settings(home).settings.vendors.cursor.api_url == good


def test_an_organisation_and_an_enterprise_at_once_are_refused(home: Home) -> None:
    both = {"organisation": "acme", "enterprise": "big"}
    home.config_file.write_text(json.dumps({"vendors": {"github": both}}))
    with pytest.raises(BadSetting, match="set one of the two"):
        load_settings(home)


def test_a_token_with_a_line_break_is_no_token(home: Home) -> None:
    from agent_analytics_cli.vendor_sync import claude_source

    home.config_file.write_text(json.dumps({"vendors": {"claude": {"token": "one\ntwo"}}}))
    home.config_file.chmod(0o600)
    with pytest.raises(TokenUnusable, match="on one line") as raised:
        claude_source(load_settings(home), home)
    assert "two" not in str(raised.value)
