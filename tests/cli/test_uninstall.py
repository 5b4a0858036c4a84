"""`uninstall`: byte for byte as found, whatever was edited in between, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.main import cli
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from agent_analytics_collector.state import ServiceState, process_started_at, write_state
from tests.cli.machine_files import Tree, tree

HOOK = "#!/bin/sh\necho mine"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLAUDE_CODE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENT_ANALYTICS_TELEMETRY_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("SHELL", "/bin/bash")


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "user"


@pytest.fixture
def before(user: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """The user's folder, repository and all, as it was before init ran in it."""
    repository = user / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    hook = repository / ".git/hooks/post-commit"
    hook.write_text(HOOK)
    hook.chmod(0o775)
    (user / ".claude").mkdir(mode=0o750)
    (user / ".claude/settings.json").write_text('{"model": "opus"}')
    (user / ".claude/settings.json").chmod(0o664)
    (user / ".bashrc").write_text("alias ll=ls")
    monkeypatch.chdir(repository)
    found = tree(user)
    result = run("init", "--yes", "--shell-profile")
    assert result.exit_code == 0, result.output
    assert tree(user) != found
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_everything_is_as_before_and_the_state_folder_stays(
    before: Tree, user: Path, home: Home
) -> None:
    result = run("uninstall", "--yes")
    assert result.exit_code == 0, result.output
    assert tree(user) == before
    assert f"restored  {user}/.claude/settings.json\n" in result.stdout
    assert f"deleted   {user}/.claude/settings.json.agent-analytics-backup\n" in result.stdout
    assert f"Your data and settings stay in {home.root}; " in result.stdout
    assert home.config_file.exists()
    assert not home.receipt.exists()
    again = run("uninstall", "--yes")
    assert again.exit_code == 0
    assert again.stdout.startswith("Nothing was installed, so nothing was taken out.\n")


def test_a_fresh_machine_is_as_fresh_afterwards(
    user: Path, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing at all was there: no Claude Code, no profile, not even the state folder."""
    subprocess.run(["git", "init", "-q", str(user / "new")], check=True)
    monkeypatch.chdir(user / "new")
    monkeypatch.delenv("AGENT_ANALYTICS_HOME")
    before = tree(user)
    assert run("init", "--yes", "--shell-profile").exit_code == 0
    assert (user / ".agent-analytics/config.yaml").exists()
    assert run("uninstall", "--yes").exit_code == 0
    kept = user / ".agent-analytics"
    assert {
        path: what for path, what in tree(user, without=kept).items() if path != f"{user}/."
    } == {path: what for path, what in before.items() if path != f"{user}/."}
    assert run("init", "--yes", "--shell-profile").exit_code == 0
    result = run("uninstall", "--yes", "--purge")
    assert result.exit_code == 0
    assert f"deleted   {kept}\n" in result.stdout
    assert tree(user) == before


def test_edits_around_ours_stay(before: Tree, user: Path, home: Home) -> None:
    settings, profile = user / ".claude/settings.json", user / ".bashrc"
    hook = user / "repository/.git/hooks/post-commit"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"new": 1}, indent=4))
    profile.write_text("first\n" + profile.read_text() + "last\n")
    hook.write_text(hook.read_text() + "\necho more\n")
    assert run("uninstall", "--yes").exit_code == 0
    assert json.loads(settings.read_text()) == {"model": "opus", "new": 1}
    assert profile.read_text() == "first\nalias ll=ls\nlast\n"
    assert hook.read_text() == HOOK + "\necho more\n"
    assert not home.receipt.exists()


def test_a_file_made_private_since_stays_private(before: Tree, user: Path) -> None:
    settings = user / ".claude/settings.json"
    settings.chmod(0o600)
    assert run("uninstall", "--yes").exit_code == 0
    assert settings.read_text() == '{"model": "opus"}'
    assert settings.stat().st_mode & 0o777 == 0o600


def test_a_value_that_the_user_changed_stays_and_is_told(before: Tree, user: Path) -> None:
    settings = user / ".claude/settings.json"
    settings.write_text(settings.read_text().replace('"60000"', '"1000"'))
    result = run("uninstall", "--yes")
    assert result.exit_code == 0
    assert (
        f"note      {settings} keeps OTEL_METRIC_EXPORT_INTERVAL: the value was changed since"
    ) in result.stderr
    assert json.loads(settings.read_text()) == {
        "model": "opus", "env": {"OTEL_METRIC_EXPORT_INTERVAL": "1000"},
    }  # fmt: skip


def test_what_cannot_be_taken_out_is_told_kept_in_mind_and_exits_1(
    before: Tree, user: Path, home: Home
) -> None:
    profile, settings = user / ".bashrc", user / ".claude/settings.json"
    edited = profile.read_text().replace("# Sends the telemetry", "# Does send the telemetry")
    profile.write_text(edited)
    settings.chmod(0o444)
    result = run("uninstall", "--yes", "--purge")
    assert result.exit_code == 1
    assert f"What agent-analytics wrote into {profile} was changed since." in result.stderr
    assert f"{settings} is left as it is: it is read-only" in result.stderr
    assert profile.read_text() == edited
    assert {entry.path for entry in Receipt.load(home).entries} == {str(profile), str(settings)}
    profile.write_text("alias ll=ls")
    settings.chmod(0o664)
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(user) == before


def test_what_the_user_took_out_alone_is_no_trouble(before: Tree, user: Path, home: Home) -> None:
    (user / ".bashrc").unlink()
    (user / ".claude/settings.json").write_text("{}")
    (user / ".claude/settings.json.agent-analytics-backup").write_text("edited")
    result = run("uninstall", "--yes")
    assert result.exit_code == 0, result.output
    assert (user / ".claude/settings.json").read_text() == "{}"
    assert "backup, the copy that init made, was changed since and stays." in result.stderr
    assert not (user / ".bashrc").exists()
    assert not home.receipt.exists()


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    before: Tree, user: Path, home: Home
) -> None:
    installed = tree(user, home.root)
    result = run("uninstall", "--dry-run", "--purge")
    assert result.exit_code == 0
    assert tree(user, home.root) == installed
    lines = result.stdout.splitlines()
    for line in (
        f"--- {user}/.claude/settings.json", f"delete {user}/.claude/settings.json.agent-analytics"
        "-backup", f"--- {user}/.bashrc", "-# >>> agent-analytics >>>", f"delete {home.root}",
    ):  # fmt: skip
        assert line in lines
    shown = json.loads(run("uninstall", "--dry-run", "--json").stdout)
    assert {"path": f"{user}/.bashrc", "why": "restored"} in shown["changed"]
    assert (shown["dry_run"], shown["left_alone"]) == (True, [])
    assert f"--- {user}/.bashrc\n" in shown["diff"]


def test_without_a_terminal_and_without_yes_nothing_happens(
    before: Tree, user: Path, home: Home
) -> None:
    installed = tree(user, home.root)
    result = run("uninstall")
    assert result.exit_code == 2
    assert "There is no terminal to ask on. Add --yes to go ahead." in result.stderr
    assert tree(user, home.root) == installed


def test_purging_under_a_running_collector_is_refused_before_anything_is_done(
    before: Tree, user: Path, home: Home
) -> None:
    started = process_started_at(os.getpid())
    assert started is not None
    write_state(
        home.service_state,
        ServiceState(os.getpid(), started, "127.0.0.1", 1, 2, 3, "0", "2026-01-01T00:00:00Z"),
    )
    installed = tree(user, home.root)
    result = run("uninstall", "--yes", "--purge")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"is in use by the collector (process {os.getpid()})" in result.stderr
    assert tree(user, home.root) == installed
    assert run("uninstall", "--yes").exit_code == 0


def test_purging_removes_only_what_is_ours(before: Tree, user: Path, home: Home) -> None:
    (home.root / "letters").mkdir()
    (home.root / ".config.yaml.agent-analytics-abc").write_text("of a killed run")
    (home.data / "link").symlink_to(user)
    result = run("uninstall", "--yes", "--purge")
    assert result.exit_code == 0
    assert f"{home.root} stays for what is not ours in it: letters." in result.stderr
    assert [path.name for path in home.root.iterdir()] == ["letters"]
    assert tree(user) == before


def test_the_result_as_json(before: Tree, user: Path, home: Home) -> None:
    said = json.loads(run("uninstall", "--yes", "--json").stdout)
    changed = {entry["path"]: entry["why"] for entry in said["changed"]}
    assert changed[f"{user}/.claude/settings.json"] == "restored"
    assert changed[f"{user}/.claude/settings.json.agent-analytics-backup"] == "deleted"
    assert (said["dry_run"], said["left_alone"], said["diff"]) == (False, [], None)
    assert said["state_folder"] == str(home.root)
