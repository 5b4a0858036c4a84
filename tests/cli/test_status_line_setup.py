"""`init --status-line`: into Claude Code's own settings, and out of them byte for byte."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.main import cli
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from tests.cli.machine_files import SETTINGS, only_git, tree
from tests.cli.terminal import Terminal
from tests.cli.test_init import free_port


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ports that nobody uses, no agent on the PATH, no telemetry in the shell."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLAUDE_CODE_", "COPILOT_", "GEMINI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", only_git(tmp_path / "bin"))
    for name in ("GRPC", "HTTP", "API"):
        monkeypatch.setenv(f"AGENT_ANALYTICS_{name}_PORT", str(free_port()))


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, with a folder of work to be in."""
    (tmp_path / "user/work").mkdir()
    monkeypatch.chdir(tmp_path / "user/work")
    return tmp_path / "user"


@pytest.fixture
def settings_file(user: Path) -> Path:
    path = user / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text('{\n  "model": "opus"\n}\n')
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def init(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    result = run("init", "--yes", "--json", "--hooks", "none", *arguments)
    assert result.exit_code == exit_code, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def settings(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_claude_code_is_told_to_call_a_command_that_is_there(
    home: Home, settings_file: Path
) -> None:
    said = init("--status-line")
    line = settings(settings_file)["statusLine"]
    assert line.keys() == {"type", "command"}
    assert line["type"] == "command"
    named, *program, word = shlex.split(line["command"])
    assert (named, word) == (f"AGENT_ANALYTICS_HOME={home.root}", "statusline")
    assert os.access(program[0], os.X_OK)
    shown = subprocess.run(
        ["/bin/sh", "-c", line["command"] + " --help"], capture_output=True, text=True, check=True
    )
    assert "statusline" in shown.stdout
    assert said["left_alone"] == []
    again = init()
    assert again["changed"] == []
    assert settings(settings_file)["statusLine"] == line


def test_the_command_finds_its_home_without_the_variable(
    settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Home(tmp_path / "it's my; home")
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(other.root))
    init("--status-line")
    folder = other.published / "run-1"
    folder.mkdir()
    (other.published / "current").symlink_to("run-1")
    (folder / "today.json").write_text('{"begins_at": 0, "ends_at": 9e9, "cost_usd": 12.5}')
    monkeypatch.delenv("AGENT_ANALYTICS_HOME")
    command = settings(settings_file)["statusLine"]["command"]
    shown = subprocess.run(
        ["/bin/sh", "-c", command], input="{}", capture_output=True, text=True, check=True
    )
    assert shown.stdout == "— · session — · today $12.50\n"


def test_the_default_home_is_not_named(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENT_ANALYTICS_HOME")
    init("--status-line")
    command = settings(settings_file)["statusLine"]["command"]
    assert os.access(shlex.split(command)[0], os.X_OK)


def test_without_being_asked_for_there_is_none(settings_file: Path) -> None:
    init()
    assert "statusLine" not in settings(settings_file)


@pytest.mark.parametrize(
    "steps",
    [
        [["--agents", "none", "--status-line"], []],
        [["--status-line"], ["--grpc-port", "5317"]],
        [[], ["--status-line"], ["--grpc-port", "5317"], ["--no-tool-details"]],
    ],
    ids=["alone first", "then another port", "many times"],
)
@pytest.mark.parametrize("name", SETTINGS)
def test_uninstall_restores_every_byte_whatever_the_order(
    user: Path, settings_file: Path, name: str, steps: list[list[str]]
) -> None:
    content = SETTINGS[name]
    if content is None:
        settings_file.unlink()
        settings_file.parent.rmdir()
    else:
        settings_file.write_text(content, encoding="utf-8", newline="")
    before = tree(user)
    for step in steps:
        result = run("init", "--yes", "--hooks", "none", *step)
        assert result.exit_code == 0, result.output
    assert tree(user) != before
    dry = json.loads(run("uninstall", "--dry-run", "--json").stdout)
    paths = [change["path"] for change in dry["changed"]]
    assert len(paths) == len(set(paths))
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(user) == before


def test_what_was_edited_since_stays(settings_file: Path) -> None:
    init("--status-line")
    edited = settings(settings_file) | {"model": "sonnet"}
    settings_file.write_text(json.dumps(edited, indent=4))
    assert run("uninstall", "--yes").exit_code == 0
    assert settings(settings_file) == {"model": "sonnet"}


def test_a_status_line_of_the_users_stays_and_it_is_said_how_to_have_both(
    settings_file: Path,
) -> None:
    own = '{"statusLine": {"type": "command", "command": "mine --token=abc123"}}'
    settings_file.write_text(own)
    said = init("--agents", "none", "--status-line", exit_code=1)
    (sentence,) = said["left_alone"]
    assert f"{settings_file} has a status line already (mine --token=****), which stays" in sentence
    assert "hand its standard input to" in sentence
    assert settings_file.read_text() == own


def test_what_was_made_of_ours_stays_and_is_no_refusal(settings_file: Path) -> None:
    init("--status-line")
    found = settings(settings_file)
    padded = found | {"statusLine": found["statusLine"] | {"padding": 0}}
    settings_file.write_text(json.dumps(padded, indent=2))
    said = init()
    assert (said["changed"], said["left_alone"]) == ([], [])
    settings_file.write_text(json.dumps(found | {"statusLine": {"command": "mine"}}, indent=2))
    said = init()
    assert (said["changed"], said["left_alone"]) == ([], [])
    assert "has a status line already (mine), which stays" in " ".join(said["notes"])
    assert run("uninstall", "--yes").exit_code == 0
    assert settings(settings_file) == {"model": "opus", "statusLine": {"command": "mine"}}


def test_that_of_another_installation_is_replaced(
    home: Home, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "agent_analytics_cli.setup.status_line.own_command", lambda: ["/gone/agent-analytics"]
    )
    init("--status-line")
    command = settings(settings_file)["statusLine"]["command"]
    assert command.endswith(" /gone/agent-analytics statusline")
    monkeypatch.undo()
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(home.root))
    monkeypatch.setenv("HOME", str(settings_file.parents[1]))
    for name in ("GRPC", "HTTP", "API"):
        monkeypatch.setenv(f"AGENT_ANALYTICS_{name}_PORT", str(free_port()))
    init()
    assert "/gone" not in settings(settings_file)["statusLine"]["command"]
    assert run("uninstall", "--yes").exit_code == 0
    assert settings_file.read_text() == '{\n  "model": "opus"\n}\n'


def test_a_project_that_has_one_is_named(settings_file: Path, user: Path) -> None:
    project = user / "work/.claude/settings.json"
    project.parent.mkdir()
    project.write_text('{"statusLine": {"type": "command", "command": "theirs"}}')
    notes = init("--status-line")["notes"]
    assert f"{project} (project settings) has a status line of its own" in " ".join(notes)
    assert "statusLine" in settings(settings_file)


def test_saying_no_later_leaves_it_and_says_what_takes_it_out(
    home: Home, settings_file: Path
) -> None:
    init("--status-line")
    said = init("--no-status-line")
    assert f"{settings_file} stays as an earlier init left it" in " ".join(said["notes"])
    assert "statusLine" in settings(settings_file)
    assert {entry.part for entry in Receipt.load(home).entries} == {"", "statusLine"}


def test_disabling_claude_code_takes_it_along(settings_file: Path) -> None:
    init("--status-line")
    result = run("agents", "disable", "claude_code", "--yes")
    assert result.exit_code == 0, result.output
    assert settings_file.read_text() == '{\n  "model": "opus"\n}\n'


def test_settings_that_are_no_json_are_left_alone(settings_file: Path) -> None:
    settings_file.write_text("{oops")
    said = init("--agents", "none", "--status-line", exit_code=1)
    assert "line 1" in said["left_alone"][0]
    assert settings_file.read_text() == "{oops"


@pytest.mark.slow
def test_it_is_asked_for_only_where_there_is_none(settings_file: Path, user: Path) -> None:
    questions = ["Who are you", "Project", "Have Claude", "tool details?", "names?"]
    arguments = ("init", "--hooks", "none", "--backend", "local")
    with Terminal(*arguments, cwd=user / "work") as terminal:
        for question in questions:
            terminal.answer(question, "")
        terminal.answer("Show cost and limits in it? [y/N]: ", "y")
        terminal.answer("shell profile?", "")
        terminal.answer("Make these changes?", "y")
        assert terminal.exit_code() == 0, terminal.shown
    assert "statusLine" in settings(settings_file)
    with Terminal(*arguments, cwd=user / "work") as terminal:
        for question in [*questions, "shell profile?"]:
            terminal.answer(question, "")
        assert terminal.exit_code() == 0, terminal.shown
    assert "limits in it" not in terminal.shown
