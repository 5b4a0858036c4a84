"""`init`: what it asks, writes, shows, refuses, and that it does so once."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.main import cli
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.agents import AGENTS
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from tests.cli.machine_files import SETTINGS, only_git, tree
from tests.cli.terminal import Terminal

QUESTIONS = (
    "Who are you", "Project of all your work", "Have Claude Code report", "Backend: ",
    "Send tool details?", "Send repository names?", "Show cost and limits in it?", "Install it",
    "Write to the shell profile?",
    "Make these changes?",
)  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ports that nobody uses, bash, no agent but those of the test, no telemetry in the shell."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLAUDE_CODE_", "COPILOT_", "GEMINI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", only_git(tmp_path / "bin"))
    for name in ("GRPC", "HTTP", "API"):
        monkeypatch.setenv(f"AGENT_ANALYTICS_{name}_PORT", str(free_port()))
    monkeypatch.setenv("SHELL", "/bin/bash")


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "user"


@pytest.fixture
def settings_file(user: Path) -> Path:
    path = user / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text('{\n  "model": "opus"\n}\n')
    return path


@pytest.fixture
def repository(user: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = user / "repository"
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "config", "user.email", "me@example.com"], check=True)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def init(*arguments: str) -> dict[str, Any]:
    """What `init --yes --json` says, where nothing had to be left alone."""
    result = run("init", "--yes", "--json", *arguments)
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    assert said["left_alone"] == []
    return said


def env(settings_file: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(settings_file.read_text())["env"]
    return found


def test_one_command_writes_the_config_the_settings_and_the_hook(
    home: Home, settings_file: Path, repository: Path
) -> None:
    settings_file.chmod(0o644)
    said = init()
    settings = load_settings(home).settings
    assert settings.developer_id == "me@example.com"
    assert home.config_file.stat().st_mode & 0o777 == 0o600
    found = env(settings_file)
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{settings.grpc_port}"
    assert found["OTEL_EXPORTER_OTLP_HEADERS"] == "x-developer-id=me@example.com"
    assert (found["OTEL_LOG_TOOL_DETAILS"], found["OTEL_METRICS_INCLUDE_REPOSITORY"]) == (
        "1", "true",
    )  # fmt: skip
    backup = settings_file.with_name("settings.json.agent-analytics-backup")
    assert backup.read_text() == '{\n  "model": "opus"\n}\n'
    assert backup.stat().st_mode & 0o777 == 0o644
    changed = {entry["path"] for entry in said["changed"]}
    hook = repository / ".git/hooks/post-commit"
    assert {str(home.config_file), str(settings_file), str(backup), str(hook)} <= changed
    assert not (home.root.parent / "user/.bashrc").exists()
    assert "agent-analytics up" in said["next"]


def test_a_second_time_changes_nothing_and_says_so(
    user: Path, home: Home, settings_file: Path, repository: Path
) -> None:
    init("--shell-profile")
    before = tree(user, home.root)
    again = run("init", "--yes")
    assert again.exit_code == 0
    assert again.stdout.startswith("Nothing to change: everything is as it should be.\n")
    assert init()["changed"] == []
    assert tree(user, home.root) == before


def test_a_dry_run_shows_every_difference_with_secrets_masked_and_changes_nothing(
    user: Path, home: Home, settings_file: Path, repository: Path, tmp_path: Path
) -> None:
    settings_file.write_text('{"env": {"ANTHROPIC_API_KEY": "sk-hunter2"}}')
    key = tmp_path / "key"
    key.write_text("aa,hunter2\n")
    before = tree(user, home.root)
    result = run(
        "init", "--dry-run", "--backend", "https://api.example", "--api-key-file", str(key),
        "--shell-profile",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert tree(user, home.root) == before
    assert "hunter2" not in result.output
    for line in (
        f"+++ {home.config_file}", "+api_key: \"****\"", "+backend_url: \"https://api.example\"",
        f"copy {settings_file} to {settings_file}.agent-analytics-backup",
        f"--- {settings_file}", f"+++ {repository}/.git/hooks/post-commit",
        "+export OTEL_EXPORTER_OTLP_ENDPOINT=https://api.example:4317",
    ):  # fmt: skip
        assert line in result.stdout.splitlines(), line
    assert "x-api-key=****" in result.stdout
    shown = json.loads(run("init", "--dry-run", "--json").stdout)
    assert shown["dry_run"] is True
    assert f"+++ {home.config_file}\n" in shown["diff"]
    assert str(home.config_file) in [change["path"] for change in shown["changed"]]


def test_what_was_shown_is_what_is_written(
    home: Home, settings_file: Path, repository: Path, tmp_path: Path
) -> None:
    """The difference, applied by patch to a copy, gives the files that init writes."""
    before = settings_file.read_bytes()
    shown = run("init", "--dry-run", "--yes").stdout
    init()
    mine = shown[shown.index(f"--- {settings_file}") :]
    copy = tmp_path / "copy.json"
    copy.write_bytes(before)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    patch = mine[: mine.index("--- /dev/null")].replace(str(settings_file), "x/copy.json")
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    assert copy.read_bytes() == settings_file.read_bytes()


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--project-id", "x"]])
def test_without_a_terminal_and_without_yes_nothing_happens(
    user: Path, home: Home, settings_file: Path, arguments: list[str]
) -> None:
    before = tree(user, home.root)
    result = run("init", *arguments)
    assert result.exit_code == 2
    assert "There is no terminal to ask on. Add --yes to take the defaults." in result.stderr
    assert tree(user, home.root) == before


def test_every_answer_has_a_flag(
    home: Home, user: Path, settings_file: Path, repository: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("aa_prod_1\n")
    init(
        "--developer-id", "dev one", "--project-id", "p", "--agent", "claude_code",
        "--backend", "https://api.example/x", "--endpoint", "https://otel.example:9",
        "--api-key-file", str(key), "--tool-details", "--no-repository-names", "--hooks", "none",
        "--shell-profile", "--grpc-port", "5317", "--http-port", "5318", "--api-port", "5319",
    )  # fmt: skip
    assert yaml.safe_load(home.config_file.read_text()) == {
        "schema_version": 1,
        "api_key": "aa_prod_1",
        "backend_url": "https://api.example/x",
        "enabled_agents": ["claude_code"],
        "developer_id": "dev one",
        "project_id": "p",
        "grpc_port": 5317,
        "http_port": 5318,
        "api_port": 5319,
        "telemetry": {
            "endpoint": "https://otel.example:9", "export_interval": 60, "include_prompts": False,
        },
        "git": {"track_commits": True, "correlation_window": 300},
    }  # fmt: skip
    found = env(settings_file)
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://otel.example:9"
    assert found["OTEL_EXPORTER_OTLP_HEADERS"] == "x-developer-id=dev%20one,x-api-key=aa_prod_1"
    assert found["OTEL_LOG_TOOL_DETAILS"] == "1"
    assert "OTEL_METRICS_INCLUDE_REPOSITORY" not in found
    assert settings_file.stat().st_mode & 0o777 == 0o600
    profile = (user / ".bashrc").read_text()
    assert "export OTEL_EXPORTER_OTLP_ENDPOINT=https://otel.example:9\n" in profile
    assert "aa_prod_1" not in profile
    assert not (repository / ".git/hooks/post-commit").exists()
    said = init("--agent", "none", "--backend", "local", "--no-shell-profile")
    for path, typed in (
        (settings_file, "agents disable claude_code"), (user / ".bashrc", "uninstall"),
    ):  # fmt: skip
        sentence = f"{path} stays as an earlier init left it; `agent-analytics {typed}` takes it"
        assert f"{sentence} out." in said["notes"]
    settings = load_settings(home).settings
    assert (settings.backend_url, settings.telemetry.endpoint, settings.api_key) == (
        None, None, None,
    )  # fmt: skip
    assert settings.enabled_agents == ()


def test_tool_details_go_to_another_machine_only_when_asked(settings_file: Path) -> None:
    init("--backend", "https://api.example", "--hooks", "none")
    assert "OTEL_LOG_TOOL_DETAILS" not in env(settings_file)


def test_earlier_answers_are_the_defaults(
    home: Home, settings_file: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_ANALYTICS_API_KEY", "aa_env")
    init("--no-tool-details", "--developer-id", "x", "--backend", "https://api.example")
    monkeypatch.delenv("AGENT_ANALYTICS_API_KEY")
    assert init()["changed"] == []
    assert "x-api-key=aa_env" in env(settings_file)["OTEL_EXPORTER_OTLP_HEADERS"]
    init("--tool-details")
    assert init()["changed"] == []
    assert env(settings_file)["OTEL_LOG_TOOL_DETAILS"] == "1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--developer-id", "Jörg"], "developer_id (answer): 'Jörg' must be printable ASCII"),
        (["--backend", "api.example"], "'api.example' must be `local` or an http(s) URL"),
        (["--endpoint", "otel:4317"], "telemetry.endpoint (flag): must begin with http:// or"),
        (["--api-key-file", "/nowhere"], "api_key (/nowhere): cannot be read: "),
    ],
)
def test_a_useless_answer_is_told_and_nothing_is_changed(
    user: Path, home: Home, settings_file: Path, arguments: list[str], said: str
) -> None:
    before = tree(user, home.root)
    result = run("init", "--yes", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert tree(user, home.root) == before


def test_a_name_of_git_that_headers_cannot_carry_is_no_default(
    home: Home, settings_file: Path, repository: Path
) -> None:
    subprocess.run(["git", "config", "user.email", "jörg@example.com"], check=True)
    init()
    assert load_settings(home).settings.developer_id == "me"


def test_foreign_telemetry_is_left_alone_and_the_rest_goes_on(
    home: Home, user: Path, settings_file: Path, repository: Path
) -> None:
    foreign = '{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.corp"}}'
    settings_file.write_text(foreign)
    result = run("init", "--yes", "--shell-profile")
    assert result.exit_code == 1
    assert (
        f"left alone  {settings_file} (your settings) already sets "
        "OTEL_EXPORTER_OTLP_ENDPOINT=https://otel.corp. To keep both, have that receiver"
    ) in result.stderr
    assert settings_file.read_text() == foreign
    assert not (user / ".bashrc").exists()
    assert home.config_file.exists()
    assert (repository / ".git/hooks/post-commit").exists()
    again = run("init", "--yes", "--shell-profile")
    assert again.exit_code == 1
    assert again.stdout.startswith("Nothing is changed.\n")


def test_settings_of_the_project_are_looked_at_from_a_folder_inside_it(
    settings_file: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".claude").mkdir()
    local = repository / ".claude/settings.local.json"
    local.write_text('{"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": "0"}}')
    (repository / "src").mkdir()
    monkeypatch.chdir(repository / "src")
    result = run("init", "--yes")
    assert result.exit_code == 1
    assert f"{local} (local project settings) switches telemetry off" in result.stderr


@pytest.mark.parametrize("kind", ["broken", "link", "read-only", "folder"])
def test_settings_that_cannot_be_edited_are_left_and_the_rest_goes_on(
    home: Home, settings_file: Path, repository: Path, kind: str
) -> None:
    if kind == "broken":
        settings_file.write_text('{"env": ')
    elif kind == "link":
        settings_file.rename(settings_file.with_name("real"))
        settings_file.symlink_to("real")
    elif kind == "read-only":
        settings_file.chmod(0o400)
    else:
        settings_file.unlink()
        settings_file.mkdir()
    before = tree(settings_file.parent)
    result = run("init", "--yes")
    assert result.exit_code == 1
    assert f"left alone  {settings_file} is left as it is: " in result.stderr
    assert re.search(r"is left as it is: .*(then run this again|no regular file)\n", result.stderr)
    assert tree(settings_file.parent) == before
    assert (repository / ".git/hooks/post-commit").exists()
    assert home.config_file.exists()


def test_a_port_of_somebody_else_is_said_with_the_way_out(
    home: Home, settings_file: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings_file.read_text()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        monkeypatch.setenv("AGENT_ANALYTICS_GRPC_PORT", str(port))
        result = run("init", "--yes")
        assert result.exit_code == 1
        assert f"Port {port} (grpc_port) is in use by " in result.stderr
        assert f"(process {os.getpid()}), not by this home's collector." in result.stderr
        assert "another port: --grpc-port" in result.stderr
        assert settings_file.read_text() == before
        other = free_port()
        init("--grpc-port", str(other))
        assert env(settings_file)["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{other}"
        assert yaml.safe_load(home.config_file.read_text())["grpc_port"] == other
        monkeypatch.setenv("AGENT_ANALYTICS_HTTP_PORT", str(port))
        said = init("--grpc-port", str(other), "--no-tool-details")
        assert any(f"Port {port} (http_port) is in use" in note for note in said["notes"])


def test_outside_of_a_repository_there_is_no_hook_by_default(
    user: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(user)
    init()
    result = run("init", "--yes", "--hooks", "here")
    assert result.exit_code == 1
    assert "No hook is installed: this folder is in no git repository." in result.stderr


@pytest.mark.parametrize("said", [["--hooks", "everywhere"], ["--global"]])
def test_everywhere_means_every_repository_below_the_home_folder(
    user: Path, settings_file: Path, repository: Path, said: list[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(user / "deep/other")], check=True)
    init(*said)
    for folder in (repository, user / "deep/other"):
        assert (folder / ".git/hooks/post-commit").exists()


def test_claude_config_dir_is_honoured(
    user: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    init()
    assert env(tmp_path / "claude/settings.json")["CLAUDE_CODE_ENABLE_TELEMETRY"] == "1"
    assert not (user / ".claude").exists()


def test_an_older_config_keeps_its_comments_and_a_linked_one_is_left(
    home: Home, user: Path, settings_file: Path, repository: Path
) -> None:
    home.config_file.write_text("# mine\nhost: 127.0.0.1 # why\n")
    init("--project-id", "p")
    text = home.config_file.read_text()
    assert text.startswith("# mine\nhost: 127.0.0.1 # why\n")
    assert yaml.safe_load(text)["project_id"] == "p"
    home.config_file.rename(user / "dotfile")
    home.config_file.symlink_to(user / "dotfile")
    result = run("init", "--yes", "--project-id", "q")
    assert result.exit_code == 1
    assert f"left alone  {home.config_file} is left as it is: it is a link" in result.stderr


def test_ten_at_once_leave_what_one_leaves(
    home: Home, user: Path, settings_file: Path, repository: Path
) -> None:
    several = [
        subprocess.Popen(
            [sys.executable, "-m", "agent_analytics_cli.main", "init", "--yes", "--shell-profile"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(10)
    ]  # fmt: skip
    for process in several:
        _, trouble = process.communicate(timeout=120)
        assert (process.returncode, trouble) == (0, "")
    before = tree(user, home.root)
    assert init()["changed"] == []
    assert tree(user, home.root) == before
    paths = [entry.path for entry in Receipt.load(home).entries]
    assert len(paths) == len(set(paths)) == 3 + len(EVENTS)  # settings, backup, profile


def kill_at(replacement: int) -> str:
    """A program that runs init and is killed at its nth file, in the middle of writing it."""
    return (
        "import os, signal\nfrom agent_analytics_cli.main import main\nimport sys\n"
        "real, count = os.replace, 0\n"
        "def replace(*paths):\n"
        "    global count\n    count += 1\n"
        f"    if count == {replacement}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*paths)\n"
        "os.replace = replace\n"
        "sys.argv = ['agent-analytics', 'init', '--yes', '--shell-profile']\n"
        "main()\n"
    )


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_whole_files_that_uninstall_restores(
    home: Home, user: Path, settings_file: Path, repository: Path
) -> None:
    before = tree(user)
    old = settings_file.read_bytes()
    for moment in range(1, 100):
        ran = subprocess.run(
            [sys.executable, "-c", kill_at(moment)], capture_output=True, check=False
        )
        json.loads(settings_file.read_bytes())
        if moment % 2:  # every other time the user simply tries again first
            assert run("init", "--yes", "--shell-profile").exit_code == 0
        undone = run("uninstall", "--yes")
        assert undone.exit_code == 0, undone.output
        assert tree(user) == before, f"killed at file {moment}"
        assert settings_file.read_bytes() == old
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL
    assert moment > 10


@pytest.mark.slow
def test_on_a_terminal_it_asks_shows_the_difference_and_asks_once_more(
    home: Home, user: Path, settings_file: Path, repository: Path
) -> None:
    with Terminal("init", cwd=repository) as terminal:
        terminal.answer("Who are you, in reports? [me@example.com]: ", "boss")
        terminal.answer("Project of all your work: ", "")
        terminal.answer("Have Claude Code report (in its own settings.json)? [Y/n]: ", "")
        terminal.answer("Backend: `local` is this machine, or a URL [local]: ", "https://b.example")
        terminal.answer("Its OTLP/gRPC endpoint [https://b.example:4317]: ", "")
        terminal.answer("API key (hidden; empty for none): ", "aa_hunter2")
        terminal.wait_for("Tool details let commits match exactly")
        terminal.answer("Send tool details? [y/N]: ", "y")
        terminal.answer("Send repository names? [Y/n]: ", "n")
        terminal.answer("Show cost and limits in it? [y/N]: ", "")
        terminal.answer("Install it (here, everywhere, none) [here]: ", "")
        terminal.answer("Write to the shell profile? [y/N]: ", "")
        terminal.wait_for(f"--- {settings_file}")
        terminal.answer("Make these changes? [Y/n]: ", "y")
        assert terminal.exit_code() == 0, terminal.shown
    assert "hunter2" not in terminal.shown
    settings = load_settings(home).settings
    assert (settings.developer_id, settings.api_key) == ("boss", "aa_hunter2")
    assert env(settings_file)["OTEL_LOG_TOOL_DETAILS"] == "1"
    assert not (user / ".bashrc").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", range(len(QUESTIONS)))
def test_ctrl_c_at_any_question_changes_nothing(
    home: Home, user: Path, settings_file: Path, repository: Path, stop_at: int
) -> None:
    before = tree(user, home.root)
    with Terminal("init", cwd=repository) as terminal:
        for question in QUESTIONS[:stop_at]:
            terminal.answer(question, "")
        assert terminal.interrupt(QUESTIONS[stop_at]) == 130, terminal.shown
    assert tree(user, home.root) == before


@pytest.mark.slow
def test_a_file_edited_while_the_question_stands_is_not_written_over(
    settings_file: Path, repository: Path
) -> None:
    with Terminal("init", "--hooks", "none", "--backend", "local", cwd=repository) as terminal:
        for question in ("Who are you", "Project", "Have Claude", "tool details?", "names?",
                         "limits in it?", "shell profile?"):  # fmt: skip
            terminal.answer(question, "")
        terminal.wait_for("Make these changes?")
        settings_file.write_text('{"model": "sonnet"}')
        terminal.answer("", "y")
        assert terminal.exit_code() == 1
    assert "Nothing was changed: one of the files is no longer as it was" in terminal.shown
    assert settings_file.read_text() == '{"model": "sonnet"}'


@pytest.mark.parametrize("name", SETTINGS)
def test_any_settings_file_is_whole_again_after_uninstall(
    user: Path, settings_file: Path, repository: Path, name: str
) -> None:
    content = SETTINGS[name]
    if content is None:
        settings_file.unlink()
    else:
        settings_file.write_text(content, encoding="utf-8", newline="")
    before = tree(user)
    init()
    assert tree(user) != before
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(user) == before


@pytest.fixture
def all_agents(user: Path, settings_file: Path) -> Path:
    """The user's folder, with the folders of four agents and settings of two."""
    for name in (".codex", ".gemini", ".copilot"):
        (user / name).mkdir()
    (user / ".codex/config.toml").write_text('# mine\nmodel = "gpt-5.5"')
    (user / ".gemini/settings.json").write_text('{\n  "theme": "dark" // why\n}\n')
    return user


ALL = ["claude_code", "codex", "gemini_cli", "copilot_cli"]


def test_every_agent_found_here_is_set_up_and_uninstall_restores_them_all(
    home: Home, all_agents: Path, repository: Path
) -> None:
    before = tree(all_agents)
    said = init("--shell-profile")
    settings = load_settings(home).settings
    assert list(settings.enabled_agents) == ALL
    grpc, http = f"http://127.0.0.1:{settings.grpc_port}", f"http://127.0.0.1:{settings.http_port}"
    codex = tomllib.loads((all_agents / ".codex/config.toml").read_text())["otel"]
    assert codex["exporter"]["otlp-grpc"] == {
        "endpoint": grpc, "headers": {"x-developer-id": "me@example.com"},
    }  # fmt: skip
    gemini = (all_agents / ".gemini/settings.json").read_text()
    assert f'"otlpEndpoint": "{grpc}"' in gemini
    assert '"logPrompts": false' in gemini
    profile = (all_agents / ".bashrc").read_text()
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={grpc}\n" in profile
    assert f"    env OTEL_EXPORTER_OTLP_ENDPOINT={http} " in profile
    copies = {path.name for path in all_agents.rglob("*.agent-analytics-backup")}
    assert copies == {"settings.json.agent-analytics-backup", "config.toml.agent-analytics-backup"}
    assert said["notes"] == []
    installed = tree(all_agents, home.root)
    assert init()["changed"] == []
    assert tree(all_agents, home.root) == installed
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(all_agents) == before


def test_agents_are_named_with_commas_or_one_by_one(
    home: Home, all_agents: Path, repository: Path
) -> None:
    config = all_agents / ".codex/config.toml"
    before = tree(all_agents / ".gemini")
    init("--agents", "codex, claude_code")
    assert load_settings(home).settings.enabled_agents == ("claude_code", "codex")
    assert tree(all_agents / ".gemini") == before
    text = config.read_text()
    said = init("--agent", "claude_code", "--agent", "gemini_cli")
    sentence = f"{config} stays as an earlier init left it; `agent-analytics agents disable codex`"
    assert f"{sentence} takes it out." in said["notes"]
    assert config.read_text() == text
    wrong = run("init", "--yes", "--agents", "codex,coda")
    assert wrong.exit_code == 2
    assert f"'coda' is none of {', '.join(AGENTS)} and none" in wrong.stderr


def test_an_agent_that_reports_to_somebody_else_does_not_stop_the_others(
    all_agents: Path, repository: Path
) -> None:
    config = all_agents / ".codex/config.toml"
    foreign = '[otel]\nexporter = { otlp-grpc = { endpoint = "https://otel.corp" } }\n'
    config.write_text(foreign)
    (all_agents / ".gemini/settings.json").write_text("{")
    result = run("init", "--yes")
    assert result.exit_code == 1
    assert f"left alone  {config} (your settings) already sets exporter in [otel]" in result.stderr
    assert f"left alone  {all_agents}/.gemini/settings.json is left as it is: " in result.stderr
    assert config.read_text() == foreign
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" in env(all_agents / ".claude/settings.json")


def test_copilot_without_the_profile_is_a_note_on_what_to_do(user: Path, repository: Path) -> None:
    (user / ".copilot").mkdir()
    before = tree(user)
    said = init("--agents", "copilot_cli", "--hooks", "none")
    assert "Copilot CLI has no settings for telemetry, only its environment." in said["notes"][0]
    assert tree(user) == before
    assert init("--hooks", "none", "--shell-profile")["changed"][0]["path"] == f"{user}/.bashrc"
    assert "export" not in (user / ".bashrc").read_text()


def test_a_key_of_a_backend_is_in_no_file_that_others_read_and_in_no_output(
    home: Home, all_agents: Path, repository: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("aa_hunter2\n")
    config = all_agents / ".codex/config.toml"
    config.chmod(0o644)
    result = run(
        "init", "--yes", "--backend", "https://b.example", "--api-key-file", str(key),
        "--shell-profile",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "hunter2" not in result.output
    holding = [path for path in all_agents.rglob("*") if path.is_file()
               and b"hunter2" in path.read_bytes()]  # fmt: skip
    assert sorted(path.name for path in holding) == ["config.toml", "settings.json"]
    assert {path.stat().st_mode & 0o777 for path in holding} == {0o600}
    shown = run("init", "--dry-run", "--developer-id", "other")
    assert "hunter2" not in shown.output
    assert "+exporter = { otlp-grpc = " in shown.stdout
    assert run("uninstall", "--yes").exit_code == 0
    assert config.stat().st_mode & 0o777 == 0o644


@pytest.mark.slow
def test_on_a_terminal_each_agent_that_is_here_is_asked_about(
    home: Home, user: Path, repository: Path
) -> None:
    for name in (".claude", ".codex"):
        (user / name).mkdir()
    with Terminal("init", "--hooks", "none", "--backend", "local", cwd=repository) as terminal:
        terminal.answer("Who are you", "")
        terminal.answer("Project", "")
        terminal.answer("Have Claude Code report (in its own settings.json)? [Y/n]: ", "n")
        terminal.answer("Have Codex report (in its own config.toml)? [Y/n]: ", "")
        terminal.answer("Write to the shell profile? [y/N]: ", "")
        terminal.answer("Make these changes?", "")
        assert terminal.exit_code() == 0, terminal.shown
    assert "Gemini" not in terminal.shown
    assert load_settings(home).settings.enabled_agents == ("codex",)
    assert not (user / ".claude/settings.json").exists()
    assert (user / ".codex/config.toml").stat().st_mode & 0o777 == 0o600
