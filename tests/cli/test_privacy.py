"""`agent-analytics privacy`: what is stored, handed out and deleted, and where data goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.lease import lease
from tests.privacy.canaries import ADA, BOB, SESSION, canary, envelopes
from tests.privacy.spooled import spool


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["privacy", *arguments])
    assert done.exit_code == code, done.output
    return done


def told(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def filled(home: Home) -> Home:
    spool(home, load_settings(home).settings, envelopes())
    return home


def test_a_report_counts_what_is_stored_of_all_and_of_one(filled: Home) -> None:
    everybody = {row["table"]: row["rows"] for row in told("report")["stored"]}
    ada = told("report", ADA)
    of_ada = {row["table"]: row["rows"] for row in ada["stored"]}
    of_bob = {row["table"]: row["rows"] for row in told("report", BOB)["stored"]}
    assert ADA in ada["names"]
    assert of_ada["raw_otel_metrics"] == everybody["raw_otel_metrics"] == 1
    assert "raw_otel_metrics" not in of_bob
    assert of_ada["raw_git_commits"] + of_bob["raw_git_commits"] == everybody["raw_git_commits"]
    assert of_ada["raw_otel_logs"] + of_bob["raw_otel_logs"] == everybody["raw_otel_logs"]


def test_a_report_of_an_empty_home_says_what_to_do(home: Home) -> None:
    done = run("report")
    assert "Nothing is stored" in done.stderr
    assert "Nothing leaves this machine" in done.stderr


def test_a_report_says_where_data_goes_and_no_secret(filled: Home) -> None:
    (filled.root / "github.token").write_text("s3cret")
    filled.config_file.write_text(
        "backend_url: https://team.example.com/base?x=1\n"
        "api_key: s3cret\n"
        "forward:\n  - {endpoint: 'https://otlp.example.com:4318/in', headers_file: h}\n"
        "vendors:\n  github: {organisation: acme, token_file: github.token}\n"
    )
    done = run("report", "--json")
    assert [one["where"] for one in json.loads(done.stdout)["leaves_this_machine"]] == [
        "https://otlp.example.com:4318", "https://team.example.com", "https://api.github.com",
    ]  # fmt: skip
    assert "s3cret" not in done.output


def test_an_export_needs_a_new_folder_and_says_what_it_wrote(filled: Home, tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    assert told("export", ADA, "--to", str(folder))["rows"]["main.raw_otel_spans"] == 1
    assert json.loads((folder / "index.json").read_text())["names"]
    again = run("export", ADA, "--to", str(folder), code=1)
    assert "is not empty" in again.stderr


def test_a_text_that_a_spreadsheet_would_run_is_quoted(filled: Home, tmp_path: Path) -> None:
    with lease(filled.database) as connection:
        connection.execute(
            "INSERT INTO raw_git_commits (id, commit_hash, commit_message, author_email, "
            "commit_timestamp, created_at) VALUES (99, 'x', '=HYPERLINK(1)', ?, now(), now())",
            [ADA],
        )
    run("export", ADA, "--to", str(tmp_path / "ada"))
    assert ",'=HYPERLINK(1)," in (tmp_path / "ada" / "main.raw_git_commits.csv").read_text()
    stored = json.loads((tmp_path / "ada" / "main.raw_git_commits.json").read_text())
    assert "=HYPERLINK(1)" in {row["commit_message"] for row in stored}


def test_a_dry_run_shows_what_would_go_and_changes_nothing(filled: Home) -> None:
    before = told("report", ADA)
    shown = told("delete", ADA, "--dry-run")
    assert shown["rows"]["main.raw_otel_metrics"] == 1
    assert ADA in shown["names"]
    assert told("report", ADA) == before
    assert not filled.erasures.exists()


def test_nothing_is_deleted_without_a_yes(filled: Home) -> None:
    done = run("delete", ADA, code=2)
    assert "Add --yes" in done.stderr
    assert not filled.erasures.exists()


def test_a_name_that_nobody_has_is_said_so(filled: Home) -> None:
    for action in (["report"], ["export", "--to", "x"], ["delete", "--yes"]):
        done = run(*action, "nobody@example.com", code=1)
        assert "Nothing is stored about 'nobody@example.com'" in done.stderr


def test_canaries_are_in_no_log_that_the_command_leaves(filled: Home) -> None:
    run("report", ADA)
    logs = "".join(path.read_text() for path in filled.logs.iterdir())
    assert logs
    for text in (ADA, BOB, SESSION, *(canary(number) for number in range(1, 65))):
        assert text not in logs
