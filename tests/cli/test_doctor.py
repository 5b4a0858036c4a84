"""`doctor`: against a real collector, servers that misbehave, and homes in every condition."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli import __version__
from agent_analytics_cli.agents.claude_code.settings_files import SKIPPED
from agent_analytics_cli.doctor.checkup import CHECKS, run_checks
from agent_analytics_cli.doctor.commits import latest_trouble
from agent_analytics_cli.doctor.installation import WANTED, check_disk
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status, Verdict, how_long, in_units, ok
from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.git.hooks import install, plan_install
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.main import cli
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import OtlpSettings, Settings
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.segments import segment_path
from agent_analytics_collector.state import (
    DbtRun,
    LoaderState,
    TransformState,
    write_state,
)
from agent_analytics_collector.warehouse.lease import lease

from ..service.conftest import RunningService
from .machine_files import only_git

Line = dict[str, Any]


def doctor(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["doctor", *arguments], prog_name="agent-analytics")


def lines() -> dict[str, Line]:
    """What `doctor --json` prints, by check."""
    result = doctor("--json")
    assert result.exit_code in (0, 1), result.output
    printed: list[Line] = json.loads(result.stdout)
    assert result.exit_code == any(line["status"] == "fail" for line in printed)
    return {line["check"]: line for line in printed}


def line(check: str) -> Line:
    """What one check says, without the time that the others take."""
    situation = Situation.of(Home.from_environment())
    (found,) = run_checks(situation, {check: CHECKS[check]})
    return asdict(found)


def configure(home: Home, text: str = "", mode: int = 0o600) -> None:
    home.config_file.write_text(text)
    home.config_file.chmod(mode)


@pytest.fixture
def running(home: Home) -> Iterator[RunningService]:
    """A real collector of this home."""
    service = RunningService(home)
    yield service
    service.stop()


@dataclass
class Server:
    """An HTTP server that answers as a collector does, with the changes made to it."""

    url: str = ""
    health: tuple[int, Any] = (200, {"status": "ok", "version": "9.9"})
    readiness: tuple[int, Any] = (200, {"status": "ready", "reasons": []})
    api_key: str | None = None
    date: Callable[[], str | None] = formatdate
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Authorization header) of each request."""


class Handler(BaseHTTPRequestHandler):
    script: Server

    def do_GET(self) -> None:
        self._answer(*(self.script.readiness if self.path == "/readyz" else self.script.health))

    def do_POST(self) -> None:
        assert self.rfile.read(int(self.headers["content-length"])) == b"[]"
        key = self.script.api_key
        if key is not None and self.headers.get("authorization") != f"Bearer {key}":
            self._answer(401, {"title": "Unauthorized", "detail": "This key is not known."})
        else:
            self._answer(200, {"accepted": 0, "duplicate": 0, "rejected": 0, "problems": []})

    def _answer(self, status: int, body: Any) -> None:
        self.script.seen.append((self.path, self.headers.get("authorization")))
        content = json.dumps(body).encode()
        self.send_response_only(status)
        if date := self.script.date():
            self.send_header("Date", date)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    """A backend that config.yaml names."""
    script = Server()
    handler = type("Scripted", (Handler,), {"script": script})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    script.url = f"http://127.0.0.1:{http.server_port}"
    configure(home, f"backend_url: {script.url}\n")
    yield script
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_on_a_fresh_machine_every_line_says_what_to_type_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "fresh" / "home"
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(root))
    monkeypatch.chdir(tmp_path)
    found = lines()
    assert list(found) == list(CHECKS)
    assert found["collector"] == {
        "check": "collector",
        "status": "fail",
        "detail": "No collector is running for this home.",
        "next_step": "agent-analytics up",
    }
    assert (found["configuration"]["status"], found["configuration"]["next_step"]) == (
        "warn", "agent-analytics init",
    )  # fmt: skip
    for told in found.values():
        assert (told["next_step"] is None) == (told["status"] == "ok"), told
    assert not root.parent.exists()


def test_people_get_a_mark_a_line_and_the_next_step_below(home: Home) -> None:
    result = doctor()
    assert result.exit_code == 1
    assert "✗ fail  collector" in result.stdout
    assert "→ agent-analytics up\n" in result.stdout
    assert "✓ ok    home" in result.stdout
    assert "! warn  configuration" in result.stdout
    (home.outbox / "noted").write_text("commit\n")
    event = {"event": "commits_wait", "problem": "no route to \x1b[2Jhost"}
    (home.logs / "hooks.log").write_text(json.dumps(event))
    assert "no route to \\x1b[2Jhost" in doctor().stdout
    assert len([row for row in result.stdout.splitlines() if row[0] in "✓!✗"]) == len(CHECKS)
    assert result.stderr.endswith("1 failed.\n")


def test_with_all_in_order_the_exit_code_is_0(home: Home, running: RunningService) -> None:
    configure(home)
    found = lines()
    state = running.state
    assert found["collector"]["detail"] == (
        f"{state.api_url} answers (version test); "
        f"agents send to {state.grpc} (gRPC) or {state.http} (HTTP)."
    )
    for check in ("configuration", "home", "disk", "collector", "key", "clock", "spool", "duckdb"):
        assert found[check]["status"] == "ok", found[check]
    assert doctor().exit_code == 0


def test_a_collector_of_another_version_wants_a_restart(
    home: Home, running: RunningService
) -> None:
    told = line("versions")
    assert told["status"] == "warn"
    assert f"agent-analytics {__version__}, the running collector test" in told["detail"]
    assert told["next_step"].startswith("Stop the collector and start `agent-analytics up` again")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('api_key: "top-secret\n', "not YAML: line 2, column 1"),
        ("- a list\n", "must be a mapping of settings"),
        ("htp_port: 1\n", "did you mean http_port?"),
        ("http_port: many\n", "http_port"),
        ("backend_url: ftp://jo:top-secret@host\n", "must begin with http://"),
    ],
)
def test_a_broken_configuration_is_one_line_and_the_other_checks_go_on(
    home: Home,
    running: RunningService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    problem: str,
) -> None:
    configure(home, text)
    monkeypatch.chdir(make_repository(tmp_path / "r"))
    result = doctor("--json")
    assert "top-secret" not in result.output
    found = {told["check"]: told for told in json.loads(result.stdout)}
    assert found["configuration"]["status"] == "fail"
    assert problem in found["configuration"]["detail"]
    assert str(home.config_file) in found["configuration"]["next_step"]
    assert found["key"]["status"] == "ok"  # the collector itself may stumble over the file by now


def test_a_configuration_that_others_can_read_is_a_warning(home: Home) -> None:
    configure(home, mode=0o644)
    told = line("configuration")
    assert (told["status"], told["next_step"]) == ("warn", f"chmod 600 {home.config_file}")
    assert "mode 0644" in told["detail"]
    home.config_file.chmod(0o600)
    assert line("configuration")["status"] == "ok"


def test_a_home_that_others_can_read_is_a_warning(home: Home) -> None:
    home.root.chmod(0o755)
    assert line("home")["next_step"] == f"chmod 700 {home.root}"


def test_a_home_below_a_file_fails_and_nothing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(tmp_path / "file" / "home"))
    found = lines()
    assert found["home"]["status"] == "fail"
    assert "is no folder" in found["home"]["detail"]
    assert not [told for told in found.values() if "broke" in told["detail"]]


def test_a_collector_that_hangs_is_said_within_seconds(home: Home, silent_port: int) -> None:
    configure(home, f"backend_url: http://127.0.0.1:{silent_port}\n")
    started = time.monotonic()
    found = lines()
    assert time.monotonic() - started < 5
    assert found["collector"]["status"] == "fail"
    assert found["collector"]["detail"] == f"http://127.0.0.1:{silent_port} does not answer."
    assert "backend_url" in found["collector"]["next_step"]
    assert [found[check]["status"] for check in ("key", "clock")] == ["warn", "warn"]


def test_a_collector_that_is_gone_is_said(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configure(home, f"backend_url: http://127.0.0.1:{port}\n")
    assert "cannot be reached" in line("collector")["detail"]


@pytest.mark.parametrize("answer", [(404, {}), (200, "hello"), (200, {"status": "ok"})])
def test_another_program_on_the_port_is_no_collector_and_gets_no_key(
    home: Home, server: Server, answer: tuple[int, Any]
) -> None:
    configure(home, f"backend_url: {server.url}\napi_key: top-secret\n")
    server.health = answer
    told = line("collector")
    assert told["status"] == "fail"
    assert "is no agent-analytics collector" in told["detail"]
    assert {authorization for _, authorization in server.seen} == {None}


def test_a_collector_that_is_not_ready_says_why(server: Server) -> None:
    server.readiness = (503, {"status": "not ready", "reasons": ["the spool is full"]})
    told = line("collector")
    assert (told["status"], told["next_step"]) == ("fail", "agent-analytics status")
    assert "is not ready: the spool is full." in told["detail"]


def test_a_wrong_token_fails_and_is_not_printed(home: Home, running: RunningService) -> None:
    home.token.write_text("wrong-and-secret")
    result = doctor("--json")
    told = {told["check"]: told for told in json.loads(result.stdout)}["key"]
    assert (result.exit_code, told["status"]) == (1, "fail")
    assert "refuses our key (401)" in told["detail"]
    assert "agent-analytics up" in told["next_step"]
    assert "wrong-and-secret" not in result.output


def test_a_token_that_others_can_read_is_a_warning(home: Home, running: RunningService) -> None:
    home.token.chmod(0o644)
    told = line("key")
    assert (told["status"], told["next_step"]) == ("warn", f"chmod 600 {home.token}")


def test_a_backend_that_wants_a_key_is_told_from_one_that_has_the_wrong_one(
    home: Home, server: Server
) -> None:
    server.api_key = "right"
    told = line("key")
    assert (told["status"], told["next_step"]) == ("fail", f"Set api_key in {home.config_file}")
    assert "This key is not known." in told["detail"]
    configure(home, f"backend_url: {server.url}\napi_key: wrong\n")
    assert line("key")["next_step"] == f"Correct api_key in {home.config_file}"
    configure(home, f"backend_url: {server.url}\napi_key: right\n")
    assert line("key")["status"] == "ok"


@pytest.mark.parametrize(
    ("skew_s", "status", "said"),
    [
        (0, "ok", "agree"),
        (1, "ok", "agree"),
        (10, "warn", "s ahead of ours"),
        (-10, "warn", "s behind ours"),
        (7200, "fail", "min ahead of ours"),
        (-90000, "fail", "h behind ours"),
    ],
)
def test_clocks_that_differ_are_said(server: Server, skew_s: int, status: str, said: str) -> None:
    server.date = lambda: formatdate(time.time() + skew_s, usegmt=True)
    told = line("clock")
    assert told["status"] == status
    assert said in told["detail"]


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_a_server_that_does_not_tell_the_time_is_a_warning(
    server: Server, date: str | None
) -> None:
    server.date = lambda: date
    assert "does not tell its time" in line("clock")["detail"]


def test_too_little_space_for_the_spool_is_a_warning_and_for_a_request_a_failure(
    home: Home,
) -> None:
    configure(home, f"spool:\n  max_bytes: {10**17}\n")
    told = line("disk")
    assert told["status"] == "warn"
    assert "spool.max_bytes" in told["next_step"]
    situation = Situation(home, Settings(otlp=OtlpSettings(max_request_bytes=10**17)))
    assert check_disk(situation).status is Status.FAIL


def test_the_wanted_versions_are_those_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'"dbt-core>={dotted("dbt-core", 0)},<{dotted("dbt-core", 1)}"' in text
    assert f'"dbt-duckdb=={dotted("dbt-duckdb", 0)}.*"' in text
    assert f'"duckdb>={dotted("duckdb", 0)},<{dotted("duckdb", 1)}"' in text


def dotted(package: str, end: int) -> str:
    return ".".join(map(str, WANTED[package][end]))


def install_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("script", "said", "step"),
    [
        ("echo '2.1.330 (Claude Code)'", "claude 2.1.330", None),
        ("echo '1.0.3 (Claude Code)'", "claude 1.0.3", "Upgrade claude to 2.1.197 or later"),
        ("exit 1", "claude of unknown version", "Find out why `claude --version` does not tell it"),
        ("exec sleep 60", "of unknown", "Find out why `claude --version` does not tell it"),
    ],
)
def test_the_agents_own_program_is_asked_for_its_version_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str, step: str | None
) -> None:
    install_program(tmp_path / "bin", "claude", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    told = line("versions")
    assert said in told["detail"]
    assert told["next_step"] == step


def test_a_machine_without_git_is_told_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = lines()
    assert "git not on PATH" in found["versions"]["detail"]
    assert "nstall git" in found["versions"]["next_step"]


def test_the_file_is_not_opened_while_another_process_has_it(home: Home) -> None:
    with lease(home.database):
        pass
    told = line("duckdb")
    assert told["status"] == "ok"
    assert f"{home.database} is free, schema " in told["detail"]
    script = f"import duckdb; c = duckdb.connect({str(home.database)!r}); print('open'); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        told = line("duckdb")
        assert told["status"] == "ok"
        assert f"is open in process {other.pid} (python" in told["detail"]
        since = "2026-03-10T12:00:00.000+00:00"
        waits = LoaderState(waiting_for=f"process {other.pid}", waiting_since=since)
        write_state(home.loader_state, waits)
        told = line("duckdb")
        assert told["status"] == "warn"
        assert f"Loading waits since {since}" in told["detail"]
        assert told["next_step"].startswith(f"Close process {other.pid}")
    finally:
        other.communicate("\n")


def test_the_file_is_not_opened_while_dbt_wants_it(home: Home) -> None:
    home.database.write_bytes(b"no database, which opening it would show")
    home.want.touch()
    assert "is wanted by dbt" in line("duckdb")["detail"]


def test_looking_at_the_file_leaves_it_as_it_was(home: Home) -> None:
    with lease(home.database):
        pass
    before = home.database.stat().st_mtime_ns, home.database.read_bytes()
    assert line("duckdb")["status"] == "ok"
    assert (home.database.stat().st_mtime_ns, home.database.read_bytes()) == before


def test_a_file_that_is_no_database_fails(home: Home) -> None:
    home.database.write_bytes(b"something else" * 1000)
    told = line("duckdb")
    assert told["status"] == "fail"
    assert "is no DuckDB database" in told["detail"]


def test_a_file_of_a_newer_version_wants_an_upgrade(home: Home) -> None:
    with lease(home.database) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'later', now())")
    told = line("duckdb")
    assert (told["status"], told["next_step"]) == ("fail", "Upgrade agent-analytics")
    assert "schema version 9999" in told["detail"]


@pytest.mark.parametrize(("age_days", "status"), [(1, "warn"), (30, "ok")])
def test_records_that_could_not_be_stored_are_counted_and_lately_a_warning(
    home: Home, age_days: int, status: str
) -> None:
    with lease(home.database) as connection:
        connection.execute(
            "INSERT INTO raw_rejected (batch_id, signal, reason, created_at) "
            "VALUES (1, 'logs', 'NaN', ?)",
            [datetime.now(UTC) - timedelta(days=age_days)],
        )
    told = line("duckdb")
    assert told["status"] == status
    assert "1 records could not be stored" in told["detail"]


def spool(home: Home, *, age_s: float = 0, size: int = 100) -> None:
    received_at_ns = time.time_ns() - int(age_s * 1e9)
    envelope = Envelope(Signal.LOGS, Encoding.PROTOBUF, b"x" * size, received_at_ns)
    path = segment_path(home.spool, received_at_ns // 1_000_000)
    path.write_bytes(frame.encode(envelope, 3))


def test_requests_that_wait_are_told_with_their_age(home: Home) -> None:
    spool(home, age_s=3600 * 5)
    spool(home, age_s=10)
    told = line("spool")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics up")
    assert told["detail"].startswith("2 requests wait to be loaded, the oldest for 5 h: 2")
    (home.spool / "1.torn").touch()
    assert "1 half-written tails were cut off" in line("spool")["detail"]


@pytest.mark.parametrize(
    ("share", "status", "refused"), [(0.6, "warn", "Traces are"), (0.8, "fail", "Metrics and")]
)
def test_a_spool_that_fills_up_says_what_is_refused(
    home: Home, share: float, status: str, refused: str
) -> None:
    configure(home, f"spool:\n  max_bytes: {2**20}\n")
    spool(home, size=int(2**20 * share))
    told = line("spool")
    assert told["status"] == status
    assert refused in told["detail"]


def test_loading_that_stands_still_is_a_failure(home: Home) -> None:
    write_state(home.loader_state, LoaderState(problem="the disk is full"))
    told = line("spool")
    assert (told["status"], told["detail"]) == (
        "fail", "Loading stands still: the disk is full.",
    )  # fmt: skip


def iso(seconds_ago: float) -> str:
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return at.isoformat(timespec="milliseconds")


def test_dbt_that_failed_never_ran_or_lags_behind_is_told(home: Home) -> None:
    assert line("dbt")["detail"] == "dbt has not run: nothing was loaded yet."
    loaded = LoaderState(last_load_at=iso(7200), last_load_rows=5)
    write_state(home.loader_state, loaded)
    assert line("dbt")["next_step"] == "agent-analytics transform"
    failed = DbtRun(iso(10), "error", problem="Runtime Error in model x")
    write_state(home.transform_state, TransformState(iso(20), last=failed))
    told = line("dbt")
    assert (told["status"], "Runtime Error in model x" in told["detail"]) == ("fail", True)
    done = TransformState(iso(20), last=DbtRun(iso(10), "success"))
    write_state(home.transform_state, done)
    assert "no marts are published" in line("dbt")["detail"]
    publish(home)
    assert line("dbt")["status"] == "ok"
    before = TransformState(iso(9000), last=DbtRun(iso(8000), "success"))
    write_state(home.transform_state, before)
    told = line("dbt")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics transform")
    assert "They are stale: records came 2 h ago." in told["detail"]


def claude_settings(folder: Path, name: str = "settings.json", **variables: str) -> None:
    (folder / ".claude").mkdir(exist_ok=True)
    (folder / ".claude" / name).write_text(json.dumps({"env": variables}))


ON = {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_LOG_TOOL_DETAILS": "1",
}
HEADERS = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=top-secret"}


def test_the_agents_settings_are_compared_with_the_running_collector(
    home: Home, running: RunningService
) -> None:
    user, state = Path.home(), running.state
    told = line("agent_settings")
    assert (told["status"], told["detail"], told["next_step"]) == (
        "warn", "Claude Code's telemetry is off.", "agent-analytics init",
    )  # fmt: skip
    grpc = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{state.grpc_port}"}
    claude_settings(user, **ON, **grpc, **HEADERS)
    told = line("agent_settings")
    assert (told["status"], told["detail"]) == (
        "ok", f"Claude Code sends its telemetry to http://localhost:{state.grpc_port}, "
        "tool details included.",
    )  # fmt: skip
    http = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{state.http}"}
    claude_settings(user, **ON, **http)
    assert f"this collector is http://{state.grpc}." in line("agent_settings")["detail"]
    claude_settings(user, **ON | http | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
    assert line("agent_settings")["status"] == "ok"
    path = user / ".claude/settings.json"
    claude_settings(user, **ON | grpc | {"OTEL_LOG_TOOL_DETAILS": "0"})
    told = line("agent_settings")
    assert "without tool details" in told["detail"]
    assert told["next_step"] == f"Set OTEL_LOG_TOOL_DETAILS=1 in {path}"
    claude_settings(
        user, **{name: ON[name] for name in ON if name != "OTEL_LOG_TOOL_DETAILS"} | grpc
    )
    assert line("agent_settings")["next_step"] == "agent-analytics init --tool-details"
    claude_settings(user, OTEL_EXPORTER_OTLP_ENDPOINT="https://otel.corp")
    told = line("agent_settings")
    assert told["detail"].startswith("Claude Code's telemetry is off. ")
    assert f"{path} sets OTEL_EXPORTER_OTLP_ENDPOINT=https://otel.corp;" in told["detail"]
    assert told["next_step"].startswith(f"Take OTEL_EXPORTER_OTLP_ENDPOINT out of {path}, then")
    claude_settings(user, **ON | grpc)
    path.write_text("// mine\n" + path.read_text())
    told = line("agent_settings")
    assert told["status"] == "warn"
    assert told["detail"].startswith("Claude Code is set to send its telemetry to ")
    assert told["detail"].endswith(f" {path} {SKIPPED}")
    configure(home, "enabled_agents: []\n")
    assert line("agent_settings")["status"] == "ok"


def test_each_enabled_agent_that_is_here_is_looked_at(
    home: Home, running: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", only_git(tmp_path / "bin"))
    user, ports = Path.home(), running.state
    for name in (".codex", ".gemini", ".copilot"):
        (user / name).mkdir()
    config, settings = user / ".codex/config.toml", user / ".gemini/settings.json"
    exporter = '[otel]\nexporter = {{ otlp-grpc = {{ endpoint = "{}" }} }}\n'
    config.write_text(exporter.format("https://otel.corp"))
    told = line("agent_settings")
    assert told["status"] == "warn"
    assert "Claude Code" not in told["detail"]  # there is none here
    assert (
        f"Codex sends to https://otel.corp, as {config} says; this collector is http://{ports.grpc}."
    ) in told["detail"]
    assert "Gemini CLI's telemetry is off." in told["detail"]
    assert "Copilot CLI sends no telemetry, its session files are read" in told["detail"]
    assert told["next_step"].startswith("agent-analytics agents enable codex; or change ")
    assert told["next_step"].endswith("; agent-analytics agents enable gemini_cli")
    config.write_text(exporter.format(f"http://localhost:{ports.grpc_port}"))
    on = {"enabled": True, "otlpProtocol": "http", "otlpEndpoint": f"http://{ports.http}"}
    settings.write_text(json.dumps({"telemetry": on}))
    told = line("agent_settings")
    assert (told["status"], told["next_step"]) == ("ok", None)
    assert f"Gemini CLI sends its telemetry to http://{ports.http}." in told["detail"]
    config.write_text("[otel")
    told = line("agent_settings")
    assert f"Codex's telemetry is off. {config} cannot be read: " in told["detail"]
    configure(home, "enabled_agents: [gemini_cli]\n")
    assert line("agent_settings")["status"] == "ok"


def test_a_project_that_overrides_the_users_settings_is_named(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}
    claude_settings(Path.home(), **ON, **ours)
    folder = make_repository(tmp_path / "r")
    theirs = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://jo:top-secret@otel.acme.example:443"}
    claude_settings(folder, "settings.local.json", **theirs, **HEADERS)
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    result = doctor("--json")
    assert "top-secret" not in result.output
    told = {told["check"]: told for told in json.loads(result.stdout)}["agent_settings"]
    assert told["status"] == "warn"
    assert "sends to https://****@otel.acme.example:443" in told["detail"]
    assert str(folder / ".claude" / "settings.local.json") in told["next_step"]
    configure(home, "telemetry:\n  endpoint: https://otel.acme.example\n")
    assert line("agent_settings")["status"] == "ok"


def test_variables_of_the_shell_and_broken_settings_files_are_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4317")
    told = line("agent_settings")
    assert "sends to http://elsewhere:4317, as the shell's environment says" in told["detail"]
    monkeypatch.delenv("CLAUDE_CODE_ENABLE_TELEMETRY")
    (Path.home() / ".claude").mkdir()
    (Path.home() / ".claude" / "settings.json").write_text('{"env": ')
    told = line("agent_settings")
    assert told["status"] == "warn"
    assert "settings.json (your settings) cannot be read" in told["detail"]


def publish(home: Home, *seen_in: str) -> None:
    """Published marts with a request of Claude Code an hour ago for each `seen_in`."""
    folder = home.published / "run-1"
    folder.mkdir()
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(
            "create table fct_agent_requests "
            "(agent varchar, requested_at timestamptz, seen_in varchar)"
        )
        connection.execute(
            "create table fct_metric_remainders (agent varchar, booked_at timestamptz);"
            "create table fct_agent_sessions (agent varchar, ended_at timestamptz)"
        )
        for source in seen_in:
            connection.execute(
                "insert into fct_agent_requests values ('claude_code', now() - to_minutes(185), ?)",
                [source],
            )
    (home.published / "current").symlink_to("run-1")


@pytest.mark.parametrize(
    ("seen_in", "status", "said"),
    [
        ([], "warn", "claude_code was never heard."),
        (["session_file"], "warn", "known from its session files alone"),
        (["session_file", "event"], "ok", "claude_code was heard 3 h ago."),
        (["event, session_file"], "ok", "claude_code was heard 3 h ago."),
    ],
)
def test_an_agent_is_heard_only_by_its_telemetry(
    home: Home, seen_in: list[str], status: str, said: str
) -> None:
    publish(home, *seen_in)
    (Path.home() / ".claude").mkdir()
    told = line("agent_heard")
    assert told["status"] == status
    assert said in told["detail"]


def test_enabled_agents_that_are_not_used_here_are_not_missed(home: Home) -> None:
    publish(home, "event")
    assert line("agent_heard")["detail"] == "claude_code was heard 3 h ago."
    (Path.home() / ".codex").mkdir()
    told = line("agent_heard")
    assert told["status"] == "warn"
    assert told["detail"] == "claude_code was heard 3 h ago; codex was never heard."


def test_records_without_marts_want_a_transform(home: Home) -> None:
    write_state(home.loader_state, LoaderState(records={"logs": 3}))
    assert line("agent_heard")["next_step"] == "agent-analytics transform"


def make_repository(folder: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def test_the_hook_is_checked_in_the_repository_around_the_current_folder(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = line("hook")
    assert (told["status"], "in no git repository" in told["detail"]) == ("ok", True)
    folder = make_repository(tmp_path / "r") / "deep"
    folder.mkdir()
    monkeypatch.chdir(folder)
    told = line("hook")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics hooks install")
    assert told["detail"] == f"Commits in {tmp_path / 'r'} are not noted: no hook is installed."
    install(plan_install(find_repository(), home), home, Receipt.load(home))
    told = line("hook")
    assert (told["status"], told["detail"]) == (
        "ok", f"Commits in {tmp_path / 'r'} are noted ({', '.join(EVENTS)}).",
    )  # fmt: skip
    (tmp_path / "r" / ".git" / "hooks" / "post-commit").chmod(0o644)
    told = line("hook")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics hooks status")
    assert "post-commit is not in effect: The file is not executable" in told["detail"]
    configure(home, "git:\n  track_commits: false\n")
    assert "git.track_commits is off" in line("hook")["detail"]


def test_a_folder_that_is_gone_is_no_repository(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    found = lines()
    assert found["hook"]["status"] == "ok"
    assert not [told for told in found.values() if "broke" in told["detail"]]


def test_commits_that_wait_are_told_with_their_age(home: Home) -> None:
    assert line("outbox")["status"] == "ok"
    (home.outbox / "noted").write_text("commit\taaa\t/r/.git\nmerge\tbbb\t/r/.git\n")
    taken = home.outbox / "noted.123"
    taken.write_text("commit\tccc\t/r/.git\n")
    os.utime(taken, (time.time() - 7300,) * 2)
    (home.outbox / "commits.jsonl").write_text("{}\n")
    told = line("outbox")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics up")
    assert told["detail"] == "Notes of commits that wait: 4, the oldest for 2 h at least."
    configure(home, "backend_url: http://127.0.0.1:1\n")
    assert line("outbox")["next_step"] == "agent-analytics log-commit --queued"
    assert "--queued" in CliRunner().invoke(cli, ["log-commit", "--help"]).output
    taken.unlink()
    (home.outbox / "flusher.pid").write_text(f"{os.getpid()}\n")
    assert line("outbox")["status"] == "warn"  # this process is no flusher
    with subprocess.Popen(
        ["sh", "-c", "read -r _", "log-commit", "--queued"], stdin=subprocess.PIPE
    ) as flusher:
        (home.outbox / "flusher.pid").write_text(f"{flusher.pid}\n")
        told = line("outbox")
        assert (told["status"], "are being delivered" in told["detail"]) == ("ok", True)


def test_what_agents_told_waits_beside_commits_and_is_not_called_one(home: Home) -> None:
    nothing = "No commit, no event of an agent and no answer waits to be delivered."
    assert line("outbox")["detail"] == nothing
    events = home.outbox / "events.jsonl"
    events.write_text("{}\n{}\n")
    os.utime(events, (time.time() - 7300,) * 2)
    log = home.logs / "hooks.log"
    log.write_text(json.dumps({"event": "events_wait", "problem": "no route"}))
    told = line("outbox")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics up")
    assert told["detail"] == (
        "Notes of what agents told that wait: 2, the oldest for 2 h at least. "
        "The last trouble: events wait: no route (time unknown)"
    )
    (home.outbox / "noted").write_text("commit\taaa\t/r/.git\n")
    assert line("outbox")["detail"].startswith(
        "Notes of commits that wait: 1, the oldest for 0 s at least. "
        "Notes of what agents told that wait: 2, the oldest for 2 h at least."
    )
    events.unlink()  # delivered: only the commit waits, and of that nothing was said
    assert "trouble" not in line("outbox")["detail"]
    (home.outbox / "noted").unlink()
    assert line("outbox")["status"] == "ok"
    refused = {"event": "refused_for_good", "path": "/v1/session-records", "reason": "too old"}
    log.write_text(json.dumps(refused))
    told = line("outbox")
    assert told["detail"] == (
        "Nothing waits, but there was trouble: refused for good: too old (time unknown)"
    )
    assert latest_trouble(log, (), queues=["commits"]) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_file_of_another_user_in_the_home_is_named_with_how_to_get_it_back(home: Home) -> None:
    assert line("home")["status"] == "ok"
    lock = home.outbox / "flusher.lock"
    lock.touch()
    os.chown(lock, 4321, 4321)
    told = line("home")
    assert (told["status"], told["next_step"]) == ("fail", f"sudo chown -R 0: {home.root}")
    assert str(lock) in told["detail"]


@pytest.mark.slow
def test_the_flushers_own_log_is_read(home: Home, tmp_path: Path, running: RunningService) -> None:
    folder = make_repository(tmp_path / "r")
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], cwd=folder, check=True)
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    right = home.token.read_text()
    home.token.write_text("wrong")
    (home.outbox / "noted").write_text(f"commit\t{sha}\t{folder / '.git'}\n")
    flush_the_outbox()
    told = line("outbox")
    assert (told["status"], told["next_step"]) == ("warn", "agent-analytics log-commit --queued")
    assert told["detail"].startswith("Notes of commits that wait: 1, the oldest")
    assert "The last trouble: commits wait: " in told["detail"]
    home.token.write_text(right)
    flush_the_outbox()
    assert line("outbox")["status"] == "ok"
    (home.outbox / "noted").write_text(f"commit\t{'0' * 40}\t{folder / '.git'}\n")
    flush_the_outbox()
    told = line("outbox")
    assert told["status"] == "warn"
    assert "commit skipped: the commit is gone" in told["detail"]
    assert told["next_step"] == f"See {home.logs / 'hooks.log'}"


def flush_the_outbox() -> None:
    """What a hook starts, in a process of its own as a hook would."""
    subprocess.run(
        [sys.executable, "-m", "agent_analytics_cli.main", "log-commit", "--queued"], check=True
    )


def test_a_check_that_breaks_or_hangs_costs_the_others_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def breaks(situation: Situation) -> Verdict:
        raise ZeroDivisionError("division by zero")

    def refused(situation: Situation) -> Verdict:
        raise PermissionError(errno.EACCES, "Permission denied", "/var/else")

    def hangs(situation: Situation) -> Verdict:
        released.wait(30)
        return ok("at last")

    started = time.monotonic()
    checks = {
        "breaks": breaks,
        "refused": refused,
        "hangs": hangs,
        "fine": lambda situation: ok("fine"),
    }
    found = {told.check: told for told in run_checks(Situation.of(home), checks, deadline_s=0.3)}
    assert time.monotonic() - started < 5
    released.set()
    assert found["breaks"].status is found["hangs"].status is Status.FAIL
    assert "ZeroDivisionError: division by zero" in found["breaks"].detail
    assert found["refused"].detail == "/var/else cannot be used: Permission denied."
    assert found["refused"].next_step == f"sudo chown -R {os.geteuid()}: {home.root}"
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    (told,) = run_checks(Situation.of(home), {"refused": refused})
    assert told.next_step == f"Run doctor as the owner of {home.root}"
    assert "did not end within 0.3 s" in found["hangs"].detail
    assert found["fine"].status is Status.OK


def test_secrets_are_masked_wherever_a_check_says_them(home: Home) -> None:
    configure(home, "api_key: top-secret\n")
    home.token.write_text("installation-token\n")
    said = "top-secret, installation-token, https://jo:pass@host/x, git@host:a/b, A_PAT=x"
    (found,) = run_checks(Situation.of(home), {"said": lambda situation: ok(said)})
    assert found.detail == "****, ****, https://****@host/x, git@host:a/b, A_PAT=****"


def test_durations_and_sizes_read_well() -> None:
    assert [how_long(s) for s in (-1, 0.4, 119, 120, 7199, 7200, 10**6)] == [
        "0 s", "0 s", "119 s", "2 min", "119 min", "2 h", "11 days",
    ]  # fmt: skip
    assert [in_units(b) for b in (0, 999, 1000, 2_500_000, 3 * 10**12)] == [
        "0 bytes", "999 bytes", "1.0 kB", "2.5 MB", "3.0 TB",
    ]  # fmt: skip
