"""Gemini CLI's settings.json: switched on, kept as it is, or refused with a sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents.gemini_cli.telemetry import plan_telemetry, telemetry_state
from agent_analytics_cli.agents.telemetry import Receiver, TelemetryPlan
from agent_analytics_cli.changes import ChangeRefused, apply
from agent_analytics_cli.json_reader import read
from agent_analytics_cli.receipt import Entry, entry_for, undo
from tests.cli.machine_files import SETTINGS

GRPC, HTTP = "http://127.0.0.1:4317", "http://127.0.0.1:4318"
RECEIVER = Receiver(GRPC, HTTP, {"x-developer-id": "dev@example.com"})
WANTED = {
    "enabled": True,
    "target": "local",
    "otlpEndpoint": GRPC,
    "otlpProtocol": "grpc",
    "logPrompts": False,
    "traces": False,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "user" / ".gemini"
    made.mkdir()
    return made


@pytest.fixture(autouse=True)
def no_telemetry_in_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "GEMINI_")):
            monkeypatch.delenv(name)


def plan(folder: Path, receiver: Receiver = RECEIVER, **more: Any) -> TelemetryPlan:
    return plan_telemetry(folder, receiver, **({"managed": []} | more))


def switch_on(folder: Path, **more: Any) -> Entry:
    """Make the change; the entry that the receipt gets."""
    made = plan(folder, **more)
    assert made.change is not None, made
    entry = entry_for(made.change, "settings", [made.fragment], more.get("entry"), "telemetry")
    apply(made.change)
    return entry


def telemetry(path: Path) -> dict[str, Any]:
    node = read(path.read_text(encoding="utf-8"))
    assert node is not None
    found: dict[str, Any] = node.value["telemetry"]
    return found


def contents(name: str) -> str | None:
    """A settings file of Claude Code's, as Gemini CLI would have it."""
    text = SETTINGS[name]
    return text and text.replace('"env"', '"telemetry"')


@pytest.mark.parametrize("name", SETTINGS)
def test_any_settings_file_gets_the_members_and_comes_back_as_it_was(
    folder: Path, name: str
) -> None:
    path, before = folder / "settings.json", contents(name)
    if before is not None:
        path.write_text(before, encoding="utf-8", newline="")
        path.chmod(0o640)
    node = read(before or "")
    old = node.value.get("telemetry", {}) if node else {}
    entry = switch_on(folder)
    assert telemetry(path) == old | WANTED
    assert plan(folder, entry=entry) == TelemetryPlan(None, "", [], [])
    change = undo(entry)
    assert change is not None
    apply(change)
    if before is None:
        assert not path.exists()
    else:
        assert path.read_bytes().decode() == before
        assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('"otlpEndpoint": "https://otel.corp"', "already sets otlpEndpoint=https://otel.corp. To"),
        ('"outfile": "/tmp/t.json"', "already sets outfile=/tmp/t.json. To keep both"),
        ('"target": "gcp"', "already sets target=gcp. To keep both"),
        ('"enabled": false', "switches telemetry off (enabled=false). Take that out"),
        ('"otlpProtocol": "http", "otlpEndpoint": "http://127.0.0.1:4317"', "sets otlpEndpoint="),
    ],
)
def test_what_leads_elsewhere_is_a_conflict_and_stays(
    folder: Path, setting: str, said: str
) -> None:
    path = folder / "settings.json"
    path.write_text(f'{{"telemetry": {{{setting}}}}}')
    made = plan(folder)
    assert (made.change, made.fragment) == (None, "")
    (sentence,) = made.conflicts
    assert f"{path} (your settings) " in sentence
    assert said in sentence


def test_prompts_that_the_user_wants_logged_stay_and_are_told(folder: Path) -> None:
    path = folder / "settings.json"
    path.write_text('{"telemetry": {"logPrompts": true}}')
    (sentence,) = plan(folder).kept
    assert sentence.startswith(f"{path} (your settings) sets logPrompts=true, which stays: ")
    switch_on(folder)
    assert telemetry(path) == WANTED | {"logPrompts": True}


def test_who_sends_over_http_gets_the_http_port(folder: Path) -> None:
    path = folder / "settings.json"
    path.write_text('{"telemetry": {"otlpProtocol": "http"}}')
    switch_on(folder)
    assert telemetry(path)["otlpEndpoint"] == HTTP
    state = telemetry_state(folder, None, [])
    assert (state.enabled, state.endpoint, state.over_http) == (True, HTTP, True)
    path.write_text('{"telemetry": {"otlpProtocol": "http"}}')
    (sentence,) = plan(folder, Receiver("https://b:9", None, {})).conflicts
    assert "the backend's OTLP/HTTP address is not known" in sentence


def test_the_environment_goes_before_every_file_unless_it_is_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(folder)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4317")
    (sentence,) = plan(folder).conflicts
    assert sentence.startswith("The shell's environment already sets otlpEndpoint=http://else")
    own = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4317")]
    assert plan(folder, own_variables=own).conflicts == []
    state = telemetry_state(folder, None, [])
    assert (state.endpoint, state.origin) == ("http://elsewhere:4317", "the shell's environment")
    monkeypatch.setenv("GEMINI_TELEMETRY_OTLP_ENDPOINT", GRPC)
    assert telemetry_state(folder, None, []).endpoint == GRPC
    monkeypatch.setenv("GEMINI_TELEMETRY_ENABLED", "false")
    assert not telemetry_state(folder, None, []).enabled
    assert "switches telemetry off" in plan(folder).conflicts[0]


def test_settings_of_the_project_and_of_the_machine_go_before_the_users(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(folder)
    project = tmp_path / "project/.gemini/settings.json"
    project.parent.mkdir(parents=True)
    project.write_text('{"telemetry": {"outfile": "x"}}')
    (sentence,) = plan(folder, project_dir=tmp_path / "project").conflicts
    assert f"{project} (project settings) already sets outfile=x" in sentence
    assert not telemetry_state(folder, tmp_path / "project", []).enabled
    managed = tmp_path / "managed.json"
    managed.write_text('{"telemetry": {"target": "gcp"}}')
    (sentence,) = plan(folder, managed=[managed]).conflicts
    assert f"{managed} (managed settings) already sets target=gcp" in sentence
    monkeypatch.setenv("GEMINI_CLI_SYSTEM_SETTINGS_PATH", str(managed))
    assert str(managed) in plan_telemetry(folder, RECEIVER).conflicts[0]
    managed.write_text("{")
    (problem,) = telemetry_state(folder, None, [managed]).problems
    assert problem.startswith(f"{managed} (managed settings) cannot be read: ")


def test_off_is_what_it_is_without_settings(folder: Path) -> None:
    assert not telemetry_state(folder, None, []).enabled


def test_a_key_goes_by_the_environment_and_that_is_said(folder: Path) -> None:
    made = plan(folder, Receiver("https://b:4317", None, {"x-api-key": "hunter2"}))
    assert made.change is not None
    assert "hunter2" not in (made.change.after or b"").decode() + "".join(made.kept)
    assert "takes headers from its environment alone" in made.kept[0]
    assert "always sends its command line, prompts after -p included" in made.kept[1]


@pytest.mark.parametrize("content", ['{"telemetry": true}', "[]", '{"a": 1 "b"'])
def test_a_file_that_cannot_be_edited_is_refused(folder: Path, content: str) -> None:
    path = folder / "settings.json"
    path.write_text(content)
    with pytest.raises(ChangeRefused, match="Mend that, then run this again"):
        plan(folder)
    assert path.read_text() == content


def test_another_endpoint_takes_the_place_of_the_one_before(folder: Path) -> None:
    path = folder / "settings.json"
    path.write_text('{\n  "theme": "x"\n}\n')
    entry = switch_on(folder)
    other = Receiver("http://127.0.0.1:5317", None, {})
    entry = switch_on(folder, receiver=other, entry=entry)
    assert telemetry(path)["otlpEndpoint"] == other.endpoint
    change = undo(entry)
    assert change is not None
    assert change.after == b'{\n  "theme": "x"\n}\n'
