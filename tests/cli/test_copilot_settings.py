"""Copilot CLI's telemetry: a function in the shell's profile, or a sentence on what to type."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent_analytics_cli.agents.copilot_cli.telemetry import (
    plan_telemetry,
    telemetry_state,
    variables,
)  # fmt: skip
from agent_analytics_cli.agents.telemetry import Receiver
from agent_analytics_cli.changes import apply
from agent_analytics_cli.receipt import entry_for, undo
from agent_analytics_cli.shell_profile import calls_of, plan_profile, set_by

GRPC, HTTP = "http://127.0.0.1:4317", "http://127.0.0.1:4318"
RECEIVER = Receiver(GRPC, HTTP, {"x-developer-id": "it's me <me@example.com>"})
WANTED = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": HTTP,
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-developer-id=it%27s%20me%20%3Cme@example.com%3E",
}
OTHERS = {"OTEL_EXPORTER_OTLP_ENDPOINT": GRPC, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


@pytest.fixture(autouse=True)
def no_telemetry_in_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "COPILOT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SHELL", "/bin/bash")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "user/.bashrc"


@pytest.mark.parametrize("before", [None, "", "a=1", "a=1\n\n", "a=1\r\n"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_function_comes_once_and_goes_without_a_trace(
    profile: Path, shell: str, before: str | None
) -> None:
    if before is not None:
        profile.write_bytes(before.encode())
    calls = {"copilot": WANTED | {"TEAM": "it's"}}
    made = plan_profile(OTHERS, profile, shell, None, calls)
    entry = entry_for(made.change, "profile", [made.fragment], None)
    apply(made.change)
    assert not plan_profile(OTHERS, profile, shell, entry, calls).change.is_change
    assert calls_of(made.fragment) == calls
    assert set_by(made.fragment) == OTHERS
    change = undo(entry)
    assert change is not None
    assert change.after == (None if before is None else before.encode())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_only_copilot_is_started_with_the_variables(
    profile: Path, tmp_path: Path, shell: str
) -> None:
    """A shell reads the profile; a program called copilot and another one show what they get."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    for name in ("copilot", "other"):
        program = tmp_path / name
        program.write_text(
            '#!/bin/sh\necho "$OTEL_EXPORTER_OTLP_ENDPOINT $OTEL_EXPORTER_OTLP_HEADERS $*"\n'
        )
        program.chmod(0o755)
    apply(plan_profile({}, profile, shell, None, {"copilot": WANTED}).change)
    alias = "" if shell == "fish" else "alias copilot='copilot --banner'; "
    typed = f"{alias}. {profile}; copilot -p 'a  b'; other x"
    done = subprocess.run(
        [shell, "-c", typed], capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    headers = WANTED["OTEL_EXPORTER_OTLP_HEADERS"]
    assert done.stdout.splitlines()[-2:] == [f"{HTTP} {headers} -p a  b", "  x"]
    assert done.stderr == ""


def test_a_function_that_was_edited_out_of_shape_is_no_trouble() -> None:
    assert calls_of('function copilot {\n    env A=\'x copilot "$@"\n}\n') == {}
    assert calls_of('function copilot {\n    env A copilot "$@"\n}\n') == {}


def test_without_the_profile_it_says_what_to_type(profile: Path) -> None:
    (sentence,) = plan_telemetry(RECEIVER, in_profile=False).kept
    assert "`agent-analytics agents enable copilot_cli --shell-profile`" in sentence
    assert f"`OTEL_EXPORTER_OTLP_ENDPOINT={HTTP} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in (
        sentence
    )
    assert "every program that uses OpenTelemetry would send here" in sentence
    assert plan_telemetry(RECEIVER, in_profile=True).kept == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.corp"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otel.corp/v1/traces"),
        ("COPILOT_OTEL_FILE_EXPORTER_PATH", "/tmp/copilot.jsonl"),
        ("COPILOT_OTEL_ENABLED", "false"),
    ],
)
def test_what_the_shell_sets_otherwise_is_a_conflict(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    (sentence,) = plan_telemetry(RECEIVER, in_profile=True).conflicts
    assert f"{name}={value}" in sentence
    if name.startswith("OTEL"):
        own = [(name, value)]
        assert plan_telemetry(RECEIVER, in_profile=True, own_variables=own).conflicts == []


def test_of_a_backend_its_http_address_must_be_known_and_its_key_is_kept_out() -> None:
    unknown = Receiver("https://b:9", None, {})
    assert variables(unknown) is None
    (sentence,) = plan_telemetry(unknown, in_profile=True).conflicts
    assert "of https://b:9 only the gRPC address is known" in sentence
    secret = Receiver(GRPC, HTTP, {"x-developer-id": "me", "x-api-key": "hunter2"})
    found = variables(secret)
    assert found is not None
    assert "OTEL_EXPORTER_OTLP_HEADERS" not in found
    (sentence,) = plan_telemetry(secret, in_profile=True).kept
    assert "hunter2" not in sentence
    assert "the API key is a secret" in sentence


def test_the_profile_goes_before_the_environment(
    profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not telemetry_state().enabled
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    state = telemetry_state()
    assert (state.enabled, state.endpoint, state.origin) == (False, GRPC, "the shell's environment")
    assert "cannot send over gRPC" in state.problems[0]
    apply(plan_profile({}, profile, "bash", None, {"copilot": WANTED}).change)
    state = telemetry_state()
    assert (state.enabled, state.endpoint, state.origin) == (True, HTTP, str(profile))
