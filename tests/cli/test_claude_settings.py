"""Claude Code's settings.json: switched on, kept as it is, or refused with a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents.claude_code.otel_variables import ELSEWHERE, variables
from agent_analytics_cli.agents.claude_code.settings_files import SKIPPED, managed_files
from agent_analytics_cli.agents.claude_code.telemetry import (
    TelemetryPlan,
    plan_telemetry,
    telemetry_status,
)  # fmt: skip
from agent_analytics_cli.changes import ChangeRefused, apply
from agent_analytics_cli.json_reader import read
from agent_analytics_cli.receipt import Entry, entry_for, undo
from tests.cli.machine_files import SETTINGS

ENDPOINT = "http://127.0.0.1:4317"
HEADERS = {"x-developer-id": "dev@example.com"}
WANTED = {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT,
    "OTEL_EXPORTER_OTLP_HEADERS": "x-developer-id=dev@example.com",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
    "OTEL_LOGS_EXPORT_INTERVAL": "5000",
    "OTEL_LOG_TOOL_DETAILS": "1",
    "OTEL_METRICS_INCLUDE_REPOSITORY": "true",
}


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "user" / ".claude"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def no_telemetry_in_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLAUDE_CODE_")):
            monkeypatch.delenv(name)


def plan(config_dir: Path, **more: Any) -> TelemetryPlan:
    arguments: dict[str, Any] = {
        "endpoint": ENDPOINT, "headers": HEADERS, "details": True, "repository_names": True,
        "managed": [],
    }  # fmt: skip
    return plan_telemetry(config_dir, **(arguments | more))


def switch_on(config_dir: Path, **more: Any) -> Entry:
    """Make the change; the entry that the receipt gets."""
    made = plan(config_dir, **more)
    assert made.change is not None, made
    entry = entry_for(made.change, "settings", [made.fragment], more.get("entry"), "env")
    apply(made.change)
    return entry


def env(path: Path) -> dict[str, str]:
    node = read(path.read_text(encoding="utf-8"))
    assert node is not None
    found: dict[str, str] = node.value["env"]
    return found


@pytest.mark.parametrize("name", SETTINGS)
def test_any_settings_file_gets_the_variables_and_comes_back_as_it_was(
    config_dir: Path, name: str
) -> None:
    path, before = config_dir / "settings.json", SETTINGS[name]
    if before is not None:
        path.write_text(before, encoding="utf-8", newline="")
        path.chmod(0o640)
    node = read(before or "")
    old_env = node.value.get("env", {}) if node else {}
    entry = switch_on(config_dir)
    assert env(path) == old_env | WANTED
    assert path.stat().st_mode & 0o777 == (0o600 if before is None else 0o640)
    assert plan(config_dir, entry=entry).change is None
    change = undo(entry)
    assert change is not None
    apply(change)
    if before is None:
        assert not path.exists()
    else:
        assert path.read_bytes().decode() == before
        assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_claude_code_would_skip_is_pointed_out(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.write_text('{"model": "opus", }')
    (sentence,) = plan(config_dir).kept
    assert sentence == f"{path} {SKIPPED}"
    assert "Take them out for it to be read." in SKIPPED
    assert telemetry_status(config_dir, None, []).problems == [sentence]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"env": [1]}', 'line 1: "env" must be an object. Mend that, then run this again'),
        (b"[]", "line 1: the file must hold an object. Mend that, then run this again"),
        (b'{\n"a": 1\n"b"', "line 3: a comma or } is missing. Mend that, then run this again"),
        (b'{"a": "\xff"}', "it is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused(
    config_dir: Path, content: bytes, said: str
) -> None:
    path = config_dir / "settings.json"
    path.write_bytes(content)
    with pytest.raises(ChangeRefused) as refused:
        plan(config_dir)
    assert str(refused.value) == f"{path} is left as it is: {said}"
    assert path.read_bytes() == content


def test_links_folders_and_read_only_files_are_refused(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.symlink_to("/elsewhere")
    with pytest.raises(ChangeRefused, match="it is a link to /elsewhere, which something else"):
        plan(config_dir)
    path.unlink()
    path.mkdir()
    with pytest.raises(ChangeRefused, match="it is no regular file"):
        plan(config_dir)
    path.rmdir()
    path.write_text("{}")
    path.chmod(0o400)
    with pytest.raises(ChangeRefused, match="it is read-only"):
        plan(config_dir)


def test_a_secret_makes_the_file_private_and_undoing_gives_its_mode_back(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.write_text("{}")
    path.chmod(0o644)
    headers = HEADERS | {"x-api-key": "aa_prod_1,2=3"}
    entry = switch_on(config_dir, headers=headers, endpoint="https://otel.example:4317")
    assert path.stat().st_mode & 0o777 == 0o600
    assert env(path)["OTEL_EXPORTER_OTLP_HEADERS"] == (
        "x-developer-id=dev@example.com,x-api-key=aa_prod_1%2C2%3D3"
    )
    change = undo(entry)
    assert change is not None
    apply(change)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("{}", 0o644)


def test_permissions_that_somebody_changed_since_stay(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.write_text("{}")
    path.chmod(0o644)
    entry = switch_on(config_dir, headers=HEADERS | {"x-api-key": "aa"})
    path.chmod(0o640)
    change = undo(entry)
    assert change is not None
    apply(change)
    assert path.stat().st_mode & 0o777 == 0o640


def test_only_what_was_agreed_to_is_sent() -> None:
    sent = variables(ENDPOINT, HEADERS, details=False, repository_names=False, export_interval_s=10)
    assert sent == {
        name: value for name, value in WANTED.items()
        if name not in ("OTEL_LOG_TOOL_DETAILS", "OTEL_METRICS_INCLUDE_REPOSITORY")
    } | {"OTEL_METRIC_EXPORT_INTERVAL": "10000"}  # fmt: skip


def test_variables_that_are_there_are_kept_and_only_the_others_added(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    mine = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317/",
        "OTEL_METRICS_EXPORTER": "console,otlp",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    }
    path.write_text(json.dumps({"env": mine}))
    made = plan(config_dir)
    assert made.conflicts == []
    assert made.kept == [
        f"{path} sets OTEL_METRIC_EXPORT_INTERVAL=1000, which stays (agent-analytics would set "
        "60000)."
    ]
    switch_on(config_dir)
    assert env(path) == WANTED | mine


def test_a_changed_answer_replaces_our_variables_and_nothing_else(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.write_text('{\n  "env": {\n    "FOO": "bar"\n  }\n}\n')
    entry = switch_on(config_dir)
    entry = switch_on(config_dir, entry=entry, details=False, endpoint="http://127.0.0.1:5317")
    assert env(path)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:5317"
    assert "OTEL_LOG_TOOL_DETAILS" not in env(path)
    change = undo(entry)
    assert change is not None
    assert change.after == b'{\n  "env": {\n    "FOO": "bar"\n  }\n}\n'


def test_a_file_laid_out_anew_is_still_done(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    entry = switch_on(config_dir)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=8))
    assert plan(config_dir, entry=entry) == TelemetryPlan(None, "", [], [])


CONFLICTS = [
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:pw@otel.example:4317"},
     "already sets OTEL_EXPORTER_OTLP_ENDPOINT=https://****@otel.example:4317."),
    ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
     "already sets OTEL_EXPORTER_OTLP_PROTOCOL=http/json."),
    ({"OTEL_METRICS_EXPORTER": "prometheus"}, "already sets OTEL_METRICS_EXPORTER=prometheus."),
    ({"OTEL_LOGS_EXPORTER": "none"}, "already sets OTEL_LOGS_EXPORTER=none."),
    ({"OTEL_EXPORTER_OTLP_HEADERS": "authorization=hunter2"},
     "already sets OTEL_EXPORTER_OTLP_HEADERS (its value is not shown)."),
    ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:9"},
     "already sets OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:9."),
    ({"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"},
     "already sets OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/protobuf."),
    ({"CLAUDE_CODE_ENABLE_TELEMETRY": "0"},
     "switches telemetry off (CLAUDE_CODE_ENABLE_TELEMETRY=0). Take that out to have it on."),
]  # fmt: skip


@pytest.mark.parametrize(("found", "said"), CONFLICTS)
@pytest.mark.parametrize("where", ["user", "project", "local", "managed", "drop-in", "server",
                                   "shell"])  # fmt: skip
def test_telemetry_of_somebody_else_is_never_hijacked(
    config_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    found: dict[str, str], said: str, where: str,
) -> None:  # fmt: skip
    project, etc = tmp_path / "project", tmp_path / "etc"
    places = {
        "user": (config_dir / "settings.json", "your settings"),
        "project": (project / ".claude/settings.json", "project settings"),
        "local": (project / ".claude/settings.local.json", "local project settings"),
        "managed": (etc / "managed-settings.json", "managed settings"),
        "drop-in": (etc / "managed-settings.d/10-otel.json", "managed settings"),
        "server": (
            config_dir / "remote-settings.json", "settings managed by your organization"
        ),
    }  # fmt: skip
    if where == "shell":
        named = "The shell's environment"
        for name, value in found.items():
            monkeypatch.setenv(name, value)
    else:
        path, what = places[where]
        named = f"{path} ({what})"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"env": found}))
    before = sorted(tmp_path.rglob("*"))
    made = plan(config_dir, project_dir=project, managed=managed_files(etc))
    assert made.change is None
    (sentence,) = made.conflicts
    way_out = "" if "Take that out" in said else f" {ELSEWHERE}"
    assert sentence == f"{named} {said}{way_out}"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_headers_helper_signs_for_somebody_else(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.write_text('{"otelHeadersHelper": "/bin/token"}')
    (sentence,) = plan(config_dir).conflicts
    assert sentence.startswith(f"{path} (your settings) names an otelHeadersHelper")


def test_telemetry_to_the_default_endpoint_is_not_moved_elsewhere(config_dir: Path) -> None:
    path = config_dir / "settings.json"
    path.write_text('{"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": 1}}')
    assert plan(config_dir).conflicts == []
    (sentence,) = plan(config_dir, endpoint="http://127.0.0.1:5317").conflicts
    assert "sends telemetry to the default endpoint, http://127.0.0.1:4317" in sentence


def test_our_own_variables_in_the_shell_are_no_conflict(
    config_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    own = {("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")}
    assert plan(config_dir).conflicts != []
    assert plan(config_dir, own_variables=own).conflicts == []


def test_a_broken_settings_file_of_the_project_is_told_and_in_nobodys_way(
    config_dir: Path, tmp_path: Path
) -> None:
    path = tmp_path / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text("{")
    made = plan(config_dir, project_dir=tmp_path)
    assert made.change is not None
    assert made.kept == [f"{path} (project settings) cannot be read: line 1: a name in double "
                         "quotes is missing."]  # fmt: skip


def test_the_status_says_what_is_in_effect_and_who_overrides(
    config_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = telemetry_status(config_dir, None, [])
    assert (nothing.enabled, nothing.endpoint, nothing.details) == (False, None, False)
    switch_on(config_dir)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://shell.example:1")
    on = telemetry_status(config_dir, tmp_path, [])
    assert (on.enabled, on.endpoint, on.protocol, on.details) == (True, ENDPOINT, "grpc", True)
    assert set(on.origins.values()) == {str(config_dir / "settings.json")}
    assert (on.overrides, on.problems) == ([], [])
    local = tmp_path / ".claude/settings.local.json"
    local.parent.mkdir()
    local.write_text(
        '{"env": {"OTEL_LOGS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m"}}'
    )
    managed = tmp_path / "managed-settings.json"
    managed.write_text('{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://corp.example"}}')
    off = telemetry_status(config_dir, tmp_path, [managed])
    assert (off.enabled, off.endpoint) == (False, "https://corp.example")
    assert off.origins["OTEL_EXPORTER_OTLP_ENDPOINT"] == str(managed)
    user = config_dir / "settings.json"
    assert off.overrides == [
        f"{managed} (managed settings) sets OTEL_EXPORTER_OTLP_ENDPOINT=https://corp.example, over "
        f"OTEL_EXPORTER_OTLP_ENDPOINT={ENDPOINT} in {user}.",
        f"{local} (local project settings) sets OTEL_LOGS_EXPORTER=none, over "
        f"OTEL_LOGS_EXPORTER=otlp in {user}.",
        f"{local} (local project settings) sets OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m, "
        "which goes before OTEL_EXPORTER_OTLP_ENDPOINT.",
    ]
    managed.write_text("[]")
    assert telemetry_status(config_dir, None, [managed]).problems == [
        f"{managed} (managed settings) holds no settings."
    ]
