"""`agents`: what it tells of each agent, and one agent switched on and off again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from agent_analytics_cli.main import cli
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from tests.cli.machine_files import only_git, tree
from tests.cli.terminal import Terminal

GRPC = "http://127.0.0.1:14317"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No agent but those of the test, bash, a collector's address that needs no port."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLAUDE_CODE_", "COPILOT_", "GEMINI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", only_git(tmp_path / "bin"))
    monkeypatch.setenv("SHELL", "/bin/bash")
    for name, port in (("GRPC", 14317), ("HTTP", 14318), ("API", 18321)):
        monkeypatch.setenv(f"AGENT_ANALYTICS_{name}_PORT", str(port))


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """The user's folder, with settings of Codex and Gemini CLI."""
    folder = tmp_path / "user"
    for name in (".codex", ".gemini"):
        (folder / name).mkdir()
    (folder / ".codex/config.toml").write_text('# mine\r\nmodel = "gpt-5.5"')
    (folder / ".gemini/settings.json").write_text('{"theme": "dark"}')
    (folder / ".bashrc").write_text("alias ll=ls")
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["agents", *arguments])


def change(*arguments: str) -> dict[str, Any]:
    """What `agents enable|disable … --yes --json` says, where nothing was left alone."""
    result = run(*arguments, "--yes", "--json")
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    assert said["left_alone"] == []
    return said


def rows() -> dict[str, dict[str, Any]]:
    result = run("status", "--json")
    assert result.exit_code == 0, result.output
    return {row["agent"]: row for row in json.loads(result.stdout)}


def test_a_list_of_agents_says_which_are_here_and_which_report(user: Path) -> None:
    change("enable", "codex")
    shown = {line.split()[0]: line.split()[1:] for line in run("list").stdout.splitlines() if line}
    assert shown["codex"] == ["true", "true", "on", GRPC, "—"]
    assert shown["gemini_cli"][:3] == ["true", "true", "off"]
    assert shown["claude_code"][:3] == ["false", "true", "off"]
    assert shown["cursor"] == ["false", "true", "off", "—", "—"]
    listed = json.loads(run("list", "--json").stdout)
    assert [row["agent"] for row in listed] == [
        "claude_code", "codex", "gemini_cli", "copilot_cli", "cursor",
    ]  # fmt: skip
    assert run("list", "--csv").stdout.startswith("agent,found,enabled,telemetry,endpoint,")


def test_the_status_of_one_agent_names_its_files(user: Path) -> None:
    change("enable", "codex")
    row = rows()["codex"]
    assert row["settings_file"] == row["set_by"] == f"{user}/.codex/config.toml"
    assert row["session_files"] == [
        f"{user}/.codex/sessions", f"{user}/.codex/archived_sessions",
    ]  # fmt: skip
    shown = run("status", "codex").stdout
    assert shown.startswith("Codex (codex)\n  found       yes\n")
    assert f"  endpoint    {GRPC}\n" in shown
    assert "Gemini" not in shown


def test_telemetry_that_leads_elsewhere_is_told_apart(user: Path) -> None:
    (user / ".codex/config.toml").write_text(
        '[otel]\nexporter = { otlp-grpc = { endpoint = "https://otel.corp" } }\n'
    )
    assert (rows()["codex"]["telemetry"], rows()["codex"]["endpoint"]) == (
        "elsewhere", "https://otel.corp",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["claude_code", "codex", "gemini_cli"])
def test_one_agent_is_switched_on_and_off_without_a_trace(
    home: Home, user: Path, name: str
) -> None:
    before = tree(user)
    said = change("enable", name)
    assert {Path(entry["path"]).parent for entry in said["changed"]} <= {
        home.root, user / f".{name.split('_')[0]}",
    }  # fmt: skip
    assert rows()[name]["telemetry"] == "on"
    installed = tree(user, home.root)
    assert change("enable", name)["changed"] == []
    assert tree(user, home.root) == installed
    change("disable", name)
    assert tree(user) == before
    assert Receipt.load(home).entries == []
    assert name not in load_settings(home).settings.enabled_agents
    assert run("disable", name, "--yes").stdout == "Nothing to change: the agent is not enabled.\n"


def test_copilot_gets_a_function_in_the_profile_and_leaves_the_rest_of_the_block(
    home: Home, user: Path
) -> None:
    before = (user / ".bashrc").read_bytes()
    change("enable", "copilot_cli", "--shell-profile")
    assert rows()["copilot_cli"]["endpoint"] == "http://127.0.0.1:14318"
    change("enable", "claude_code")
    assert "export" not in (user / ".bashrc").read_text()
    change("enable", "claude_code", "--shell-profile")
    text = (user / ".bashrc").read_text()
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={GRPC}\n" in text
    assert "function copilot {" in text
    (user / ".bashrc").write_text(f"{text}alias la=ls\n")
    change("disable", "copilot_cli")
    less = (user / ".bashrc").read_text()
    assert "copilot" not in less
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={GRPC}\n" in less
    change("disable", "claude_code")
    assert (user / ".bashrc").read_bytes() == before + b"\nalias la=ls\n"


def test_a_later_init_keeps_copilots_function_and_exports_nothing(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("enable", "copilot_cli", "--shell-profile")
    before = (user / ".bashrc").read_text()
    monkeypatch.chdir(user)
    init = ["init", "--yes", "--json", "--agents", "copilot_cli,codex"]
    result = CliRunner().invoke(cli, init)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["notes"] == []
    assert (user / ".bashrc").read_text() == before
    monkeypatch.setenv("AGENT_ANALYTICS_HTTP_PORT", "14999")
    assert CliRunner().invoke(cli, init).exit_code == 0
    assert (user / ".bashrc").read_text() == before.replace("14318", "14999")
    less = CliRunner().invoke(cli, ["init", "--yes", "--json", "--agents", "codex"])
    (sentence,) = json.loads(less.stdout)["notes"]
    assert sentence.endswith("`agent-analytics agents disable copilot_cli` takes it out.")


def test_disabling_claude_code_keeps_copilots_function(user: Path) -> None:
    change("enable", "claude_code", "--shell-profile")
    change("enable", "copilot_cli")
    change("disable", "claude_code")
    text = (user / ".bashrc").read_text()
    assert "function copilot {" in text
    assert "export" not in text
    change("disable", "copilot_cli")
    assert (user / ".bashrc").read_text() == "alias ll=ls"


def test_the_others_stay_enabled_and_untouched(home: Home, user: Path) -> None:
    change("enable", "codex")
    assert yaml.safe_load(home.config_file.read_text())["enabled_agents"] == [
        "claude_code", "codex", "gemini_cli", "copilot_cli", "cursor",
    ]  # fmt: skip
    assert (user / ".gemini/settings.json").read_text() == '{"theme": "dark"}'
    change("enable", "gemini_cli")
    gemini = (user / ".gemini/settings.json").read_text()
    change("disable", "codex")
    assert (user / ".gemini/settings.json").read_text() == gemini
    assert load_settings(home).settings.enabled_agents == (
        "claude_code", "gemini_cli", "copilot_cli", "cursor",
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_a_dry_run_shows_the_difference_and_changes_nothing(
    home: Home, user: Path, verb: str
) -> None:
    if verb == "disable":
        change("enable", "codex")
    before = tree(user, home.root)
    result = run(verb, "codex", "--dry-run")
    assert result.exit_code == 0, result.output
    sign = "+" if verb == "enable" else "-"
    assert f"{sign}log_user_prompt = false\n" in result.stdout
    assert "This is what would be changed; nothing was." in result.stderr
    assert json.loads(run(verb, "codex", "--dry-run", "--json").stdout)["dry_run"] is True
    assert tree(user, home.root) == before


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_without_a_terminal_and_without_yes_nothing_happens(
    home: Home, user: Path, verb: str
) -> None:
    before = tree(user, home.root)
    result = run(verb, "codex")
    assert result.exit_code == 2
    assert "There is no terminal to ask on. Add --yes to go ahead." in result.stderr
    assert tree(user, home.root) == before


@pytest.mark.slow
def test_on_a_terminal_the_difference_is_shown_and_agreed_to(
    home: Home, user: Path, tmp_path: Path
) -> None:
    path = user / ".codex/config.toml"
    before = path.read_bytes()
    for verb, sign in (("enable", "+"), ("disable", "-")):
        unchanged = path.read_bytes()
        with Terminal("agents", verb, "codex", cwd=tmp_path) as terminal:
            terminal.wait_for(f"{sign}log_user_prompt = false")
            terminal.answer("Make these changes? [Y/n]: ", "n")
            assert terminal.exit_code() == 130
        assert path.read_bytes() == unchanged
        with Terminal("agents", verb, "codex", cwd=tmp_path) as terminal:
            terminal.answer("Make these changes? [Y/n]: ", "y")
            assert terminal.exit_code() == 0, terminal.shown
        assert path.read_bytes() != unchanged
    assert path.read_bytes() == before


def test_cursor_runs_our_hook_and_what_it_cannot_tell_is_said(home: Home, user: Path) -> None:
    (user / ".cursor").mkdir()
    before = tree(user)
    assert (rows()["cursor"]["found"], rows()["cursor"]["telemetry"]) == (True, "off")
    result = run("enable", "cursor", "--yes")
    assert "`agent-analytics sync cursor` fetches" in result.stderr
    row = rows()["cursor"]
    assert (row["telemetry"], row["endpoint"], row["session_files"]) == ("hook", None, [])
    assert row["set_by"] == row["settings_file"] == f"{user}/.cursor/hooks.json"
    assert (home.hooks / "cursor.sh").stat().st_mode & 0o777 == 0o600
    change("disable", "cursor")
    assert tree(user) == before
    assert not home.hooks.exists()
    assert Receipt.load(home).entries == []


def test_a_fragment_that_was_edited_is_left_and_said(home: Home, user: Path) -> None:
    change("enable", "codex")
    path = user / ".codex/config.toml"
    path.write_bytes(
        path.read_bytes().replace(b"log_user_prompt = false", b"log_user_prompt = true")
    )
    edited = path.read_bytes()
    result = run("disable", "codex", "--yes")
    assert result.exit_code == 1
    assert f"left        What agent-analytics wrote into {path} was changed since." in result.stderr
    assert path.read_bytes() == edited
    assert Receipt.load(home).find(path) is not None


def test_when_an_agent_was_last_heard_comes_from_the_published_marts(
    home: Home, user: Path, publish: Callable[[str], None]
) -> None:
    publish(
        "create table fct_agent_requests as select 'codex' as agent, "
        "timestamptz '2026-08-01 10:00:00+00' as requested_at, ['event'] as seen_in;"
        "create table fct_metric_remainders as select 'codex' as agent, "
        "timestamptz '2026-08-02 10:00:00+00' as booked_at;"
        "create table fct_agent_sessions as select 'cursor' as agent, "
        "timestamptz '2026-08-03 10:00:00+00' as ended_at"
    )
    assert rows()["codex"]["last_heard_at"] == "2026-08-02T10:00:00Z"
    assert rows()["cursor"]["last_heard_at"] == "2026-08-03T10:00:00Z"
    assert rows()["gemini_cli"]["last_heard_at"] is None


def test_marts_that_cannot_be_read_do_not_stop_the_list(
    home: Home, user: Path, publish: Callable[[str], None]
) -> None:
    publish("create table other as select 1 as x")
    result = run("list")
    assert result.exit_code == 0
    assert "The published marts in " in result.stderr


@pytest.fixture
def publish(home: Home) -> Callable[[str], None]:
    """Put a file of marts, made by the SQL given, where the published one is read from."""

    def make(sql: str) -> None:
        import duckdb

        path = home.current_marts.parent / "run.duckdb"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute(sql)
        home.current_marts.symlink_to(path)

    return make
