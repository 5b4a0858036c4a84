"""`init --server`: asked before it is believed, keys kept out of sight, and undone."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from agent_analytics_cli.doctor.agents import check_agent_settings
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status
from agent_analytics_cli.main import cli
from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.forward.destination import destinations, read_headers
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings
from tests.cli.machine_files import only_git, tree
from tests.cli.terminal import Terminal
from tests.forward.receiver import Reply, receiving
from tests.service.conftest import RunningService

ADA = "ada@example.com"


@pytest.fixture(scope="module")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("server"))
    made.create()
    return made


@pytest.fixture(scope="module")
def key(server_home: Home) -> str:
    """One of Ada's, which may send."""
    return create_key(server_home, Settings(), developer_id=ADA, scopes=[Scope.INGEST])[0]


@pytest.fixture(scope="module")
def reading_key(server_home: Home) -> str:
    return create_key(server_home, Settings(), developer_id=ADA, scopes=[Scope.READ])[0]


@pytest.fixture(scope="module")
def server(server_home: Home, key: str, reading_key: str) -> Iterator[RunningService]:
    """A team's server: it has keys, and takes nothing without."""
    running = RunningService(server_home)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLAUDE_CODE_", "COPILOT_", "GEMINI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", only_git(tmp_path / "bin"))
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.chdir(tmp_path / "user")


@pytest.fixture
def key_file(tmp_path: Path, key: str) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(key + "\n")
    return path


@pytest.fixture
def claude(tmp_path: Path) -> Path:
    """Claude Code's settings, which send to a vendor."""
    path = tmp_path / "user/.claude/settings.json"
    path.parent.mkdir()
    path.write_text(
        '{\n    "env": {"OTEL_EXPORTER_OTLP_ENDPOINT":"https://otel.vendor.example/in",\n'
        '            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", // theirs\n'
        '            "OTEL_EXPORTER_OTLP_HEADERS": "x-vendor-team=hunter2%20three" },\n'
        '    "model": "opus"\n}\n'
    )
    return path


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=given)


def init(server: RunningService, *arguments: str, given: str | None = None) -> Result:
    return run(
        "init", "--yes", "--agents", "none", "--server", server.state.api_url,
        "--endpoint", f"http://{server.state.http}", *arguments, given=given,
    )  # fmt: skip


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_collector_here_feeds_the_server_and_the_key_is_in_a_file_of_its_own(
    home: Home, server: RunningService, key_file: Path, key: str
) -> None:
    result = init(server, "--key-file", str(key_file))
    assert result.exit_code == 0, result.output
    assert key not in result.output
    settings = load_settings(home).settings
    (there,) = destinations(home, settings)
    assert (there.forward.endpoint, there.forward.api) == (
        f"http://{server.state.http}", server.state.api_url,
    )  # fmt: skip
    assert there.headers() == {"x-api-key": key}
    assert there.headers_path is not None
    assert mode(there.headers_path) == 0o600
    assert key not in home.config_file.read_text()
    assert settings.developer_id == ADA, "the key says whose it is"
    assert (settings.backend_url, settings.api_key) == (None, None)
    again = init(server, "--key-file", str(key_file))
    assert "Nothing to change" in again.output


def test_uninstall_takes_the_server_and_the_key_out_and_leaves_what_is_the_users(
    home: Home, server: RunningService, key_file: Path, key: str
) -> None:
    own = {"endpoint": "https://own.example", "signals": ["logs"]}
    home.config_file.write_text(yaml.safe_dump({"forward": [own], "grpc_port": 5317}))
    assert init(server, "--key-file", str(key_file)).exit_code == 0
    assert len(load_settings(home).settings.forward) == 2
    shown = run("uninstall", "--dry-run")
    assert key not in shown.output
    assert "server.headers" in shown.output
    assert run("uninstall", "--yes").exit_code == 0
    assert yaml.safe_load(home.config_file.read_text())["forward"] == [own]
    assert load_settings(home).settings.grpc_port == 5317
    assert not list(home.forward.iterdir())
    held = [path for path in home.root.rglob("*") if path.is_file() and key in path.read_text()]
    assert held == []


def test_direct_has_everything_sent_there_and_uninstall_undoes_it(
    home: Home, server: RunningService, key_file: Path, key: str, tmp_path: Path
) -> None:
    (tmp_path / "user/.claude").mkdir()
    before = tree(tmp_path / "user")
    result = run(
        "init", "--yes", "--agents", "claude_code", "--hooks", "none", "--direct",
        "--server", server.state.api_url, "--endpoint", f"http://{server.state.grpc}",
        "--key-file", str(key_file),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    settings = load_settings(home).settings
    assert (settings.backend_url, settings.api_key) == (server.state.api_url, key)
    assert (settings.forward, mode(home.config_file)) == ((), 0o600)
    env = json.loads((tmp_path / "user/.claude/settings.json").read_text())["env"]
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{server.state.grpc}"
    assert f"x-api-key={key}" in env["OTEL_EXPORTER_OTLP_HEADERS"]
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(tmp_path / "user") == before
    settings = load_settings(home).settings
    assert (settings.backend_url, settings.api_key, settings.telemetry.endpoint) == (None,) * 3
    assert key not in home.config_file.read_text()


@pytest.mark.parametrize("option", [["--key-file", "-"], ["--key", "-"]])
def test_the_key_may_come_over_standard_input(
    home: Home, server: RunningService, key: str, option: list[str]
) -> None:
    result = init(server, *option, given=key + "\n")
    assert result.exit_code == 0, result.output
    assert read_headers(home.forward / "server.headers") == {"x-api-key": key}
    assert "lists processes" not in result.output


def test_a_key_on_the_command_line_is_taken_with_a_warning(
    home: Home, server: RunningService, key: str
) -> None:
    result = init(server, "--key", key)
    assert result.exit_code == 0, result.output
    assert "seen by whoever lists processes" in result.stderr
    assert key not in result.output
    assert read_headers(home.forward / "server.headers") == {"x-api-key": key}


def test_no_run_shows_the_key(home: Home, server: RunningService, key_file: Path, key: str) -> None:
    for arguments in (["--dry-run"], ["--dry-run", "--json"], ["--dry-run", "--direct"]):
        result = init(server, "--key-file", str(key_file), *arguments)
        assert result.exit_code == 0, result.output
        assert key not in result.output
        assert key[-20:] not in result.output
    assert not home.config_file.exists()


def test_a_key_that_is_not_taken_changes_nothing(
    home: Home, server: RunningService, key: str
) -> None:
    flipped = key[:-5] + ("A" if key[-5] != "A" else "B") + key[-4:]
    result = init(server, "--key", "-", given=flipped)
    assert result.exit_code == 1
    assert "does not take this key (401)" in result.output
    assert flipped not in result.output
    assert not home.config_file.exists()
    assert not home.forward.exists()


def test_a_key_that_may_only_read_is_no_key_for_sending(
    server: RunningService, reading_key: str
) -> None:
    result = init(server, "--key", "-", given=reading_key)
    assert "does not take this key (403)" in result.output


def test_what_is_no_server_of_ours_is_told_apart(home: Home, server: RunningService) -> None:
    with receiving(lambda came: Reply(200, body=b"<html>")) as other:
        result = run("init", "--yes", "--server", other.url, "--key", "-", given="k")
    assert "is no agent-analytics" in result.output
    gone = run("init", "--yes", "--server", other.url, "--key", "-", given="k")
    assert "does not answer" in gone.output
    assert not home.config_file.exists()


def test_an_address_where_no_telemetry_is_taken_is_not_believed(
    home: Home, server: RunningService, key: str
) -> None:
    with receiving(lambda came: Reply(200, {"Content-Type": "text/html"})) as other:
        result = run(
            "init", "--yes", "--server", server.state.api_url, "--endpoint", other.url,
            "--key", "-", given=key,
        )  # fmt: skip
    assert result.exit_code == 1
    assert "no OTLP/HTTP answers" in result.output
    assert not home.config_file.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--key", "x"], "--key is about --server"),
        (["--direct"], "--direct is about --server"),
        (["--server", "http://127.0.0.1:1"], "--server needs a key"),
        (["--server", "http://127.0.0.1:1", "--backend", "local", "--key", "x"], "give one"),
        (["--server", "http://127.0.0.1:1", "--key", "x", "--key-file", "-"], "give one"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(arguments: list[str], said: str) -> None:
    result = run("init", "--yes", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_what_went_to_a_vendor_goes_on_to_it_and_is_undone_byte_for_byte(
    home: Home, claude: Path, tmp_path: Path
) -> None:
    before = tree(tmp_path / "user")
    arguments = ["init", "--yes", "--agents", "claude_code", "--hooks", "none"]
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "init --keep-receivers` has Claude Code send here" in refused.output
    assert tree(tmp_path / "user") == before
    shown = run(*arguments, "--keep-receivers", "--dry-run")
    assert "hunter2" not in shown.output
    kept = run(*arguments, "--keep-receivers")
    assert kept.exit_code == 0, kept.output
    assert "hunter2" not in kept.output
    text = claude.read_text()
    assert "// theirs" in text
    assert '"OTEL_EXPORTER_OTLP_ENDPOINT":"http://127.0.0.1:4317"' in text
    assert "x-agent-name=claude_code" in text
    (there,) = destinations(home, load_settings(home).settings)
    assert there.forward.endpoint == "https://otel.vendor.example/in"
    assert there.forward.agents == ("claude_code",)
    assert there.forward.signals == ("logs", "metrics")
    assert there.headers() == {"x-vendor-team": "hunter2 three"}
    again = run(*arguments)
    assert "Nothing to change" in again.output, again.output
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(tmp_path / "user") == before
    assert load_settings(home).settings.forward == ()


def test_a_value_that_the_user_changed_since_stays(home: Home, claude: Path) -> None:
    run("init", "--yes", "--agents", "claude_code", "--hooks", "none", "--keep-receivers")
    mine = claude.read_text().replace('":"http://127.0.0.1:4317"', '":"https://mine.example"')
    assert "mine.example" in mine
    claude.write_text(mine)
    assert run("uninstall", "--yes").exit_code == 0
    after = claude.read_text()
    assert "https://mine.example" in after
    assert "x-vendor-team=hunter2%20three" in after
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" not in after


@pytest.mark.parametrize(
    "change",
    [
        ("https://otel.vendor.example/in", "https://otel.vendor.example:9999", "grpc"),
        ("https://otel.vendor.example/in", "https://u:p@otel.vendor.example", "http/protobuf"),
        ("hunter2%20three", "hunter2%0Ax-other:%20three", "http/protobuf"),
        ("hunter2%20three", "zo%C3%AB", "http/protobuf"),
    ],
)
def test_a_receiver_that_cannot_be_sent_on_to_is_left_alone(
    claude: Path, change: tuple[str, str, str]
) -> None:
    old, new, protocol = change
    claude.write_text(claude.read_text().replace(old, new).replace("http/protobuf", protocol))
    before = claude.read_bytes()
    result = run("init", "--yes", "--agents", "claude_code", "--hooks", "none", "--keep-receivers")
    assert result.exit_code == 1
    assert "already sets OTEL_EXPORTER_OTLP_ENDPOINT" in result.output
    assert claude.read_bytes() == before


@pytest.mark.slow
def test_a_person_is_asked_whether_to_keep_the_receiver(home: Home, claude: Path) -> None:
    arguments = (
        "init", "--developer-id", "ada", "--project-id", "x", "--agents", "claude_code",
        "--backend", "local", "--no-tool-details", "--no-repository-names", "--no-status-line",
        "--hooks", "none", "--no-shell-profile",
    )  # fmt: skip
    with Terminal(*arguments, cwd=Path.home()) as terminal:
        terminal.wait_for("Claude Code sends its telemetry to https://otel.vendor.example/in now.")
        terminal.answer("sent on to there by agent-analytics? [y/N]: ", "y")
        terminal.answer("Make these changes? [Y/n]: ", "y")
        assert terminal.exit_code() == 0, terminal.shown
    assert "hunter2" not in terminal.shown
    assert "x-agent-name=claude_code" in claude.read_text()
    assert len(load_settings(home).settings.forward) == 1


CODEX = """# mine
model = "o3"

[otel]
environment = "prod"
  exporter = { otlp-http = { endpoint = "https://otel.vendor.example/v1/logs", \
protocol = "binary", headers = { "x-vendor-team" = "hunter2" } } }
metrics_exporter = {otlp-http = {endpoint = "https://otel.vendor.example/v1/metrics", \
protocol = "binary", headers = {"X-Vendor-Team" = "hunter2"}}}
"""


def test_what_codex_sent_to_a_vendor_goes_on_to_it_too(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "user/.codex/config.toml"
    path.parent.mkdir()
    path.write_text(CODEX)
    before = tree(tmp_path / "user")
    arguments = ["init", "--yes", "--agents", "codex", "--hooks", "none"]
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert tree(tmp_path / "user") == before
    kept = run(*arguments, "--keep-receivers")
    assert kept.exit_code == 0, kept.output
    assert "hunter2" not in kept.output
    otel = tomllib.loads(path.read_text())["otel"]
    for exporter in (otel["exporter"], otel["metrics_exporter"]):
        assert exporter["otlp-grpc"]["endpoint"] == "http://127.0.0.1:4317"
        assert exporter["otlp-grpc"]["headers"]["x-agent-name"] == "codex"
    assert (otel["environment"], otel["log_user_prompt"]) == ("prod", False)
    (there,) = destinations(home, load_settings(home).settings)
    assert there.forward.endpoint == "https://otel.vendor.example"
    assert (there.forward.agents, there.forward.signals) == (("codex",), ("logs", "metrics"))
    assert there.headers() == {"x-vendor-team": "hunter2"}
    again = run(*arguments)
    assert "Nothing to change" in again.output, again.output
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(tmp_path / "user") == before


def test_an_exporter_of_codex_that_is_laid_out_over_lines_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "user/.codex/config.toml"
    path.parent.mkdir()
    path.write_text('[otel.exporter.otlp-grpc]\nendpoint = "https://otel.vendor.example:4317"\n')
    before = path.read_bytes()
    result = run("init", "--yes", "--agents", "codex", "--hooks", "none", "--keep-receivers")
    assert result.exit_code == 1
    assert "already sets exporter" in result.output
    assert path.read_bytes() == before


def test_a_collector_is_not_told_to_send_on_to_itself(
    server_home: Home, server: RunningService, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(server_home.root))
    result = init(server, "--key-file", str(key_file))
    assert result.exit_code == 2
    assert "this home's own collector" in result.stderr
    assert not server_home.config_file.exists()


def test_agents_on_a_team_s_server_are_not_set_up_to_be_turned_away(
    home: Home, server: RunningService, tmp_path: Path, claude: Path, key_file: Path
) -> None:
    claude.write_text("{}\n")
    create_key(home, Settings(), developer_id=ADA, scopes=[Scope.INGEST])
    without = run("init", "--yes", "--agents", "claude_code", "--hooks", "none")
    assert without.exit_code == 1
    assert "--key-file FILE --direct" in without.stderr
    assert claude.read_text() == "{}\n"
    told = check_agent_settings(Situation.of(home))
    assert (told.status, "--direct" in (told.next_step or "")) == (Status.WARN, True)
    given = init(
        server, "--agents", "claude_code", "--tool-details", "--direct", "--key-file", str(key_file)
    )
    assert given.exit_code == 0, given.output
    assert "x-api-key=" in claude.read_text()
    assert check_agent_settings(Situation.of(home)).status is Status.OK
