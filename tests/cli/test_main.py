"""The command group: what it imports, how it ends, and that every command can be learnt."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from agent_analytics_cli import __version__
from agent_analytics_cli.main import COMMANDS, cli, load_command
from agent_analytics_collector.errors import NotRunning
from agent_analytics_collector.home import Home

WHAT_HELP_IMPORTS = """
import sys
from agent_analytics_cli.main import main
sys.argv = ["agent-analytics", "--help"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture(autouse=True)
def plain_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's terminal is, help is 80 columns wide and has no colour."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def commands() -> list[tuple[str, click.Command]]:
    """(what one types, command) of every command and sub-command."""
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = load_command(name)
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", child) for sub, child in command.commands.items()]
    return found


def add_command(monkeypatch: pytest.MonkeyPatch, body: Callable[[], object]) -> None:
    """Make `agent-analytics trouble` run `body`."""
    module = ModuleType("trouble_for_test")
    module.command = click.command("trouble")(body)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "trouble", (module.__name__, "Make trouble."))


def test_help_imports_click_and_rich_click_and_nothing_else_from_outside() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WHAT_HELP_IMPORTS], capture_output=True, text=True, check=True
    )
    modules = set(ran.stderr.split())
    baseline = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    foreign = {name.partition(".")[0] for name in modules - set(baseline)}
    foreign -= set(sys.stdlib_module_names)
    assert foreign == {
        "agent_analytics_cli", "agent_analytics_collector", "click", "rich", "rich_click",
    }  # fmt: skip
    assert "rich.progress" not in modules
    assert not any(name.startswith("agent_analytics_cli.commands") for name in modules)
    for name in COMMANDS:
        assert re.search(rf"^│ {name} ", ran.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_can_be_called_for_help(name: str) -> None:
    for flag in ("-h", "--help"):
        result = CliRunner().invoke(cli, [name, flag])
        assert result.exit_code == 0, result.output
        assert f"Usage: cli {name}" in click.unstyle(result.stdout)


def test_every_command_has_an_example_that_can_be_typed() -> None:
    Path("~/src").expanduser().mkdir()  # a folder that examples name
    for typed, command in commands():
        examples = re.findall(r"agent-analytics (.+)", command.help or "")
        own = [example for example in examples if f"{example} ".startswith(f"{typed} ")]
        assert own, f"`{typed}` has no example in its help"
        for example in own:
            called = re.split(" [<>|] ", example)[0]
            arguments = [os.path.expanduser(word) for word in shlex.split(called)]  # as a shell
            context = click.Context(cli, info_name="agent-analytics")
            current: click.Command = load_command(arguments[0])
            with current.make_context(arguments.pop(0), arguments, parent=context) as parsed:
                if isinstance(current, click.Group) and parsed._protected_args:
                    sub = current.commands[parsed._protected_args[0]]
                    sub.make_context(sub.name, parsed.args).close()


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert (result.exit_code, result.stdout) == (
        0, f"agent-analytics, version {__version__}\n",
    )  # fmt: skip


def test_an_unknown_command_exits_2_and_names_the_nearest() -> None:
    result = CliRunner().invoke(cli, ["repotr"], prog_name="agent-analytics")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "Usage: agent-analytics [OPTIONS] COMMAND [ARGS]...\n"
        "Try `agent-analytics --help`.\n\n"
        "Error: There is no command `repotr`. Did you mean `report`?\n"
    )


def test_an_unknown_option_exits_2_and_shows_the_usage_of_the_command() -> None:
    result = CliRunner().invoke(cli, ["report", "--jsno"], prog_name="agent-analytics")
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: agent-analytics report [OPTIONS]")
    assert "Error: No such option '--jsno'" in result.stderr
    assert "--json" in result.stderr


def test_no_command_shows_the_help_and_exits_2() -> None:
    result = CliRunner().invoke(cli, [], prog_name="agent-analytics")
    assert result.exit_code == 2
    assert "Usage: agent-analytics" in click.unstyle(result.stdout)


def test_expected_trouble_is_one_sentence_on_stderr_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    def body() -> None:
        raise NotRunning(home.root)

    add_command(monkeypatch, body)
    result = CliRunner().invoke(cli, ["trouble"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: No collector is running for {home.root}. Start it with `agent-analytics up`.\n"
    )


def test_a_bug_exits_3_and_leaves_its_traceback_in_the_logs(
    monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    def body() -> None:
        raise ZeroDivisionError("the bug")

    add_command(monkeypatch, body)
    result = CliRunner().invoke(cli, ["trouble"])
    (log,) = home.logs.glob("crash-*.log")
    assert result.exit_code == 3
    assert result.stderr == (
        f"Error: This is a bug in agent-analytics. Please report it; the details are in {log}\n"
    )
    text = log.read_text()
    assert text.startswith(f"agent-analytics {__version__} trouble\n")
    assert text.endswith("ZeroDivisionError: the bug\n")
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_bug_is_shown_when_it_cannot_be_logged(
    monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    def body() -> None:
        raise ZeroDivisionError("the bug")

    add_command(monkeypatch, body)
    home.logs.rmdir()
    home.logs.write_text("in the way")
    result = CliRunner().invoke(cli, ["trouble"])
    assert result.exit_code == 3
    assert "Traceback" in result.stderr
    assert "ZeroDivisionError: the bug" in result.stderr


def test_ctrl_c_exits_130_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        raise KeyboardInterrupt

    add_command(monkeypatch, body)
    result = CliRunner().invoke(cli, ["trouble"])
    assert (result.exit_code, result.output.strip()) == (130, "")


def test_what_a_command_returns_is_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    add_command(monkeypatch, lambda: 7)
    assert CliRunner().invoke(cli, ["trouble"]).exit_code == 0


def test_a_reader_that_leaves_is_no_trouble(home: Home) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ran = subprocess.run(
            [sys.executable, "-m", "agent_analytics_cli.main", "config", "show"],
            stdout=pipe, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ran.stderr == ""
    assert not list(home.logs.glob("crash-*.log"))


def test_a_terminal_without_unicode_still_gets_its_table(home: Home) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = subprocess.run(
        [sys.executable, "-m", "agent_analytics_cli.main", "config", "show"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(home.root) in ran.stdout
    assert ran.stderr == ""
