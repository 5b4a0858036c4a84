"""The recipes of `init` for agents that run elsewhere: what they say to type is typed here."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

from agent_analytics_cli.git.stubs import own_command
from agent_analytics_cli.main import cli
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.answers import default_answers
from agent_analytics_cli.setup.recipes import Circumstances, wsl
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

from .conftest import StartCollector
from .machine_files import tree
from .test_import import loaded
from .test_init import free_port

TELEMETRY = ("OTEL_", "CLAUDE_CODE_", "CLAUDE_CONFIG", "COPILOT_", "GEMINI_", "CODEX_")


@pytest.fixture(autouse=True)
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder to be in; no telemetry in the shell; ports that nobody uses."""
    for name in list(os.environ):
        if name.startswith(TELEMETRY):
            monkeypatch.delenv(name)
    for name in ("GRPC", "HTTP", "API"):
        monkeypatch.setenv(f"AGENT_ANALYTICS_{name}_PORT", str(free_port()))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of the PATH, with this installation's `agent-analytics` in it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    write_program(folder, "agent-analytics", f'exec {shlex.join(own_command())} "$@"')
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def write_program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["init", *arguments])
    assert result.exit_code == 0, result.output
    return result


def recipe(*arguments: str) -> str:
    return run(*arguments).stdout


def shell(lines: str, **more: str) -> None:
    subprocess.run(
        ["bash", "-e", "-c", lines], check=True, capture_output=True, env=os.environ | more,
        timeout=60,
    )  # fmt: skip


def machines(home: Home) -> list[tuple[Any, ...]]:
    """(agent, machine) of all session records that arrived."""
    return loaded(
        home,
        "select distinct agent, payload->>'machine' from raw_agent_session_records order by all",
    )


@pytest.mark.parametrize(
    "option", [["--devcontainer"], ["--wsl"], ["--ci"], ["--ci", "gitlab"], ["--ssh", "me@box"]]
)
def test_a_recipe_changes_nothing_and_says_the_same_as_json(
    home: Home, tmp_path: Path, option: list[str]
) -> None:
    before = tree(tmp_path)
    shown = run(*option)
    assert tree(tmp_path) == before
    told = json.loads(recipe(*option, "--json"))
    assert told["recipe"] == shown.stdout
    for sentence in told["notes"]:
        assert sentence in shown.stderr
    assert len(told["notes"]) > 1


def test_one_recipe_at_a_time_and_a_host_as_ssh_takes_it() -> None:
    for wrong in (["--ci", "--wsl"], ["--ssh", "-oProxyCommand=x"], ["--ssh", "a b"],
                  ["--ci", "jenkins"]):  # fmt: skip
        assert CliRunner().invoke(cli, ["init", *wrong]).exit_code == 2


# Devcontainer


def container(**variables: str) -> dict[str, Any]:
    """What a devcontainer tool makes of the members, with these variables on the host."""
    text = recipe("--devcontainer")
    for name, value in variables.items():
        text = text.replace(f"${{localEnv:{name}}}", value)
    text = text.replace("${localWorkspaceFolderBasename}", "widgets")
    assert "${" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_what_agents_leave_in_the_container_is_imported_from_the_mounted_folder(
    home: Home, fixtures: Path, tmp_path: Path, start_collector: StartCollector
) -> None:
    members = container(HOME=str(tmp_path / "user"), AGENT_ANALYTICS_DEVELOPER_ID="me@example.com")
    shell(members["initializeCommand"])
    (mount,) = members["mounts"]
    parts = dict(part.split("=") for part in mount.split(","))
    source = Path(parts["source"])
    assert source.is_dir()
    assert source.parent.stat().st_mode & 0o777 == 0o700
    assert parts["type"] == "bind"
    # What each agent writes where its variable says.
    env = members["containerEnv"]
    for variable, recorded in {
        "CLAUDE_CONFIG_DIR": "claude/a-simple/home/.claude",
        "CODEX_HOME": "codex/a-simple-grpc/home/.codex",
        "COPILOT_HOME": "copilot/a-simple-json/home/.copilot",
        "GEMINI_CLI_HOME": "gemini/a-simple-grpc/home",
    }.items():
        inside = Path(env[variable]).relative_to(parts["target"])
        shutil.copytree(fixtures / recorded, source / inside, dirs_exist_ok=True)
    start_collector()
    (typed,) = (line for line in json.loads(recipe("--devcontainer", "--json"))["next"]
                if " import " in line)  # fmt: skip
    arguments = shlex.split(typed.replace("~", str(tmp_path / "user")).replace("FOLDER", "widgets"))
    result = CliRunner().invoke(cli, arguments[1:])
    assert result.exit_code == 0, result.output
    agents = ["claude_code", "codex", "copilot_cli", "gemini_cli"]
    assert machines(home) == [(agent, "devcontainer") for agent in agents]


_EXPORT = """
import sys
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry._logs import LogRecord
provider = LoggerProvider()
provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter()))
provider.get_logger("test").emit(LogRecord(timestamp=1, body="x", event_name="hello"))
provider.shutdown()
"""


@pytest.mark.parametrize("developer", ["me@example.com", ""])
def test_telemetry_of_the_container_arrives_under_its_developers_name(
    home: Home, start_collector: StartCollector, developer: str
) -> None:
    members = container(HOME="/home/me", AGENT_ANALYTICS_DEVELOPER_ID=developer)
    env: dict[str, str] = members["containerEnv"]
    endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert endpoint == env["GEMINI_TELEMETRY_OTLP_ENDPOINT"]
    assert urlsplit(endpoint).hostname == "host.docker.internal"
    assert urlsplit(endpoint).port == load_settings(home).settings.grpc_port
    assert members["runArgs"] == ["--add-host=host.docker.internal:host-gateway"]
    assert env["GEMINI_TELEMETRY_LOG_PROMPTS"] == "false"
    port = start_collector().state.grpc_port
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    subprocess.run([sys.executable, "-c", _EXPORT], check=True, env=os.environ | env | there)
    assert loaded(home, "select event_name, developer_id from raw_otel_logs") == [
        ("hello", developer or None)
    ]


def test_a_team_shares_the_file_so_no_name_and_no_key_is_in_it() -> None:
    text = recipe("--devcontainer", "--backend", "https://c.example.com", "--developer-id", "ada")
    members = json.loads(text)
    assert "ada" not in text
    env = members["containerEnv"]
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://c.example.com:4317"
    assert env["OTEL_EXPORTER_OTLP_HEADERS"] == (
        "x-developer-id=${localEnv:AGENT_ANALYTICS_DEVELOPER_ID},"
        "x-api-key=${localEnv:AGENT_ANALYTICS_API_KEY}"
    )
    assert "runArgs" not in members
    assert "OTEL_LOG_TOOL_DETAILS" not in env  # that leaves the machine only after a yes


# WSL


@pytest.mark.slow
def test_the_commands_for_windows_homes_import_them_and_set_their_agents_up(
    home: Home, fixtures: Path, tmp_path: Path, programs: Path, start_collector: StartCollector
) -> None:
    users = tmp_path / "c/Users"
    shutil.copytree(fixtures / "claude/a-simple/home", users / "Ada L")
    shutil.copytree(fixtures / "codex/a-simple-grpc/home", users / "Bob")
    (users / "Public").mkdir()
    before = tree(users)
    loaded_settings = load_settings(home)
    answers = default_answers(loaded_settings, Receipt.load(home), Path.cwd())
    made = wsl(Circumstances(answers, loaded_settings.settings), users)
    assert "Public" not in made.text
    lines = [line for line in made.text.splitlines() if " " in line and not line.startswith("#")]
    start_collector()
    shell("\n".join(line for line in lines if line != "agent-analytics init"))
    name = f"{os.uname().nodename}-windows"
    assert machines(home) == [("claude_code", name), ("codex", name)]
    endpoint = f"http://127.0.0.1:{loaded_settings.settings.grpc_port}"
    claude = json.loads((users / "Ada L/.claude/settings.json").read_text())
    assert claude["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert endpoint in (users / "Bob/.codex/config.toml").read_text()
    assert not (users / "Bob/.claude").exists()
    assert CliRunner().invoke(cli, ["uninstall", "--yes"]).exit_code == 0
    assert tree(users) == before


def test_without_windows_homes_it_says_what_to_put_in() -> None:
    shown = run("--wsl")
    assert "--home /mnt/c/Users/NAME" in shown.stdout
    assert "put the user's folder for NAME" in shown.stderr


# SSH


def test_the_sessions_of_a_host_are_copied_and_imported(
    home: Home, fixtures: Path, tmp_path: Path, programs: Path, start_collector: StartCollector
) -> None:
    remote = tmp_path / "remote"
    for recorded in ("claude/a-simple", "gemini/a-simple-grpc"):
        shutil.copytree(fixtures / recorded / "home", remote, dirs_exist_ok=True)
    (remote / ".claude/.credentials.json").write_text("secret")
    # As ssh does: what comes after the host is one line for a shell in the home there.
    write_program(programs, "ssh", f'test "$1" = me@devbox; shift\ncd {remote}; exec sh -c "$*"')
    lines = recipe("--ssh", "me@devbox")
    (tmp_path / "user/.agent-homes").mkdir(mode=0o755)  # as something else once made it
    start_collector()
    for _ in range(2):
        shell(lines)
    copy = tmp_path / "user/.agent-homes/devbox"
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in copy.iterdir()) == [".claude", ".gemini"]
    assert not (copy / ".claude/.credentials.json").exists()
    assert machines(home) == [("claude_code", "devbox"), ("gemini_cli", "devbox")]


def test_the_tunnel_leads_to_this_collector(home: Home) -> None:
    text = recipe("--ssh", "devbox", "--developer-id", "ada")
    settings = load_settings(home).settings
    for port in (settings.grpc_port, settings.http_port):
        assert f"RemoteForward {port} 127.0.0.1:{port}\n" in text
    shown = re.search(r"^#   \{\n(?:#   .*\n)+?#   \}\n", text, re.MULTILINE)
    assert shown
    env = json.loads(shown[0].replace("#   ", ""))["env"]
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{settings.grpc_port}"
    assert env["OTEL_EXPORTER_OTLP_HEADERS"] == "x-developer-id=ada"
    assert "RemoteForward" not in recipe("--ssh", "devbox", "--endpoint", "https://c.example:4317")


# CI


def github_steps(*arguments: str) -> dict[str, Any]:
    job = yaml.safe_load(recipe("--ci", *arguments))["jobs"]["agent"]
    return {"env": job["env"]} | {step.get("name") or step["uses"]: step for step in job["steps"]}


@pytest.mark.slow
def test_the_steps_of_the_github_job_count_what_its_agent_did(
    home: Home, fixtures: Path, tmp_path: Path, programs: Path, work: Path
) -> None:
    """With a `claude` that does what the recorded one did: it sends, and leaves its session."""
    recording = fixtures / "claude/c-commit"
    cost = json.loads((recording / "cli_report.json").read_text())[0]["total_cost_usd"]
    write_program(programs, "claude", f'test "$1" = --print\nagent-analytics replay {recording}\n'
                  f'cp -r {recording}/home/. "$HOME"\nenv > {tmp_path}/agent_env')  # fmt: skip
    steps = github_steps()
    ports = {"4317": str(free_port()), "8321": str(free_port())}
    lines = [steps[name]["run"] for name in ("Start the collector", "The agent", "What it cost")]
    script = "\n".join(lines)
    env = steps["env"] | steps["The agent"]["env"]
    for port, free in ports.items():
        script = script.replace(port, free)
        env = {name: value.replace(port, free) for name, value in env.items()}
    env = {name: value.replace("${{ github.actor }}", "ada") for name, value in env.items()}
    summary = tmp_path / "summary.md"
    process = subprocess.Popen(
        ["bash", "-e", "-c", script], start_new_session=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
        env=os.environ | env | {"GITHUB_STEP_SUMMARY": str(summary)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, said + (work / "agent-analytics.log").read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # the collector, as the end of a job does
    artefact = work / steps["actions/upload-artifact@v4"]["with"]["path"]
    assert float(json.loads(artefact.read_text())["total"]["cost_usd"]) == pytest.approx(cost)
    assert machines(home) == [("claude_code", "github-actions")]
    told = summary.read_text()
    assert told.startswith("```\n")
    assert told.endswith("```\n")
    assert "claude-opus-5-5" in told or "Claude Opus" in told
    agent_env = (tmp_path / "agent_env").read_text()
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{ports['4317']}\n" in agent_env
    assert "OTEL_EXPORTER_OTLP_HEADERS=x-developer-id=ada\n" in agent_env


def test_the_gitlab_job_runs_the_same_lines_and_fails_with_its_agent(programs: Path) -> None:
    steps = github_steps()
    expected = [
        line
        for name in (
            "Install agent-analytics",
            "Install Claude Code",
            "Start the collector",
            "The agent",
            "What it cost",
        )
        for line in steps[name]["run"].splitlines()
    ]
    job = yaml.safe_load(recipe("--ci", "gitlab"))["agent"]
    script = job["script"]
    same = [line.replace(" || failed=1", "").replace("gitlab-ci", "github-actions")
            for line in script[:-1]]  # fmt: skip
    assert same[2:] == expected[:-1]  # after Python is there; all but the summary
    assert job["artifacts"] == {"when": "always", "paths": ["agent-costs.json"]}
    variables = {name: value.replace("$GITLAB_USER_LOGIN", "${{ github.actor }}")
                 for name, value in job["variables"].items()}  # fmt: skip
    of_github = steps["env"] | steps["The agent"]["env"]
    assert variables == {n: v for n, v in of_github.items() if n != "ANTHROPIC_API_KEY"}
    # A shell that did not end at the agent's failure, as GitLab's do, ends with it.
    (agent,) = (line for line in script if line.startswith("claude"))
    for status in (0, 3):
        write_program(programs, "claude", f"exit {status}")
        done = subprocess.run(["bash", "-e", "-c", f"{agent}\ntrue\n{script[-1]}"], check=False)
        assert (done.returncode == 0) == (status == 0)


@pytest.mark.parametrize("backend", [[], ["--backend", "https://c.example.com"]])
def test_a_job_has_the_agent_before_it_calls_it(backend: list[str]) -> None:
    job = yaml.safe_load(recipe("--ci", *backend))["jobs"]["agent"]
    of_github = [step.get("run") or step["uses"] for step in job["steps"]]
    of_gitlab = yaml.safe_load(recipe("--ci", "gitlab", *backend))["agent"]
    install = "npm install --global @anthropic-ai/claude-code"
    for lines in (of_github, of_gitlab["script"]):
        (calls,) = (place for place, line in enumerate(lines) if line.startswith("claude "))
        assert lines.index(install) < calls
    brings_node = of_github.index("actions/setup-node@v4")
    assert brings_node < of_github.index(install)
    node = job["steps"][brings_node]["with"]["node-version"]
    assert int(node) >= 22  # what Claude Code 2.1.330 says it needs
    assert of_gitlab["image"] == f"node:{node}"


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_a_job_that_reaches_a_backend_starts_no_collector_and_holds_no_key(system: str) -> None:
    text = recipe("--ci", system, "--backend", "https://c.example.com")
    assert "agent-analytics up" not in text
    assert "artifact" not in text
    if system == "github":
        steps = github_steps("--backend", "https://c.example.com")
        key, env = "${{ secrets.AGENT_ANALYTICS_API_KEY }}", steps["The agent"]["env"]
        assert steps["env"]["AGENT_ANALYTICS_API_KEY"] == key
        assert steps["env"]["AGENT_ANALYTICS_BACKEND_URL"] == "https://c.example.com"
        assert steps["What it cost"]["run"] == "agent-analytics import --machine github-actions\n"
    else:
        env = yaml.safe_load(text)["agent"]["variables"]
        key = "$AGENT_ANALYTICS_API_KEY"
        assert env["AGENT_ANALYTICS_BACKEND_URL"] == "https://c.example.com"
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://c.example.com:4317"
    assert env["OTEL_EXPORTER_OTLP_HEADERS"].endswith(f",x-api-key={key}")
