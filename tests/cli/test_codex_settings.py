"""Codex's config.toml: switched on, kept as it is, or refused with a sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent_analytics_cli.agents.codex.telemetry import plan_telemetry, telemetry_state
from agent_analytics_cli.agents.telemetry import Receiver, TelemetryPlan
from agent_analytics_cli.changes import ChangeRefused, apply
from agent_analytics_cli.receipt import Entry, FragmentLost, entry_for, undo

GRPC, HTTP = "http://127.0.0.1:4317", "http://127.0.0.1:4318"
RECEIVER = Receiver(GRPC, HTTP, {"x-developer-id": 'Jo "dev" <dev@example.com>'})
EXPORTER = {"otlp-grpc": {"endpoint": GRPC, "headers": dict(RECEIVER.headers)}}
WANTED = {
    "environment": "dev",
    "log_user_prompt": False,
    "exporter": EXPORTER,
    "metrics_exporter": EXPORTER,
    "trace_exporter": "none",
}

CONFIGS = {
    "missing": None,
    "empty": "",
    "blank": "\n\n",
    "usual": 'model = "gpt-5.5"\n\n[projects."/src"]\ntrust_level = "trusted"\n',
    "no newline at the end": 'model = "gpt-5.5"',
    "comments and odd order": "# mine\n[tui]\n  x='dark'  # why\n\n\n[a.b]\nx=[1,\n 2]\n# end\n",
    "crlf": 'model = "gpt-5.5"\r\n[tui]\r\ntheme = "dark"\r\n',
    "crlf without a newline at the end": 'model = "x"\r\n[tui]\r\ntheme = "dark"',
    "a table of its own": '[otel]\nenvironment = "prod" # ours\n\n[tui]\ntheme = "dark"\n',
    "an empty table at the end": 'model = "x"\n[ otel ] # later',
    "a table in crlf": "[otel]\r\nlog_user_prompt = false\r\n",
    "a part of a table": "[otel.span_attributes]\nteam = 'x'\n",
    "a text that looks like a table": "notes = '''\nsee here\n'''\n[x]\ny = 1\n",
    "unicode": 'model = "日本語"\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "user" / ".codex"
    made.mkdir()
    return made


def plan(
    folder: Path, entry: Entry | None = None, receiver: Receiver = RECEIVER,
    managed: Sequence[Path] = (),
) -> TelemetryPlan:  # fmt: skip
    return plan_telemetry(folder, receiver, managed=managed, entry=entry)


def switch_on(folder: Path, entry: Entry | None = None, receiver: Receiver = RECEIVER) -> Entry:
    """Make the change; the entry that the receipt gets."""
    made = plan(folder, entry, receiver)
    assert made.change is not None, made
    written = entry_for(made.change, "settings", [made.fragment], entry)
    apply(made.change)
    return written


def take_out(entry: Entry) -> None:
    change = undo(entry)
    assert change is not None
    apply(change)


@pytest.mark.parametrize("name", CONFIGS)
def test_any_config_gets_the_keys_and_comes_back_byte_for_byte(folder: Path, name: str) -> None:
    path, before = folder / "config.toml", CONFIGS[name]
    if before is not None:
        path.write_bytes(before.encode())
        path.chmod(0o640)
    old = tomllib.loads(before or "")
    entry = switch_on(folder)
    assert tomllib.loads(path.read_bytes().decode()) == old | {"otel": WANTED | old.get("otel", {})}
    assert path.stat().st_mode & 0o777 == (0o600 if before is None else 0o640)
    assert plan(folder, entry) == TelemetryPlan(None, "", [], [])
    assert telemetry_state(folder, []).endpoint == GRPC
    take_out(entry)
    if before is None:
        assert not path.exists()
    else:
        assert path.read_bytes() == before.encode()
        assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "name",
    ["usual", "no newline at the end", "crlf", "crlf without a newline at the end", "empty"],
)
def test_what_codex_writes_around_it_stays(folder: Path, name: str) -> None:
    """Codex keeps its own state in the file: it changes a key and appends tables."""
    path, before = folder / "config.toml", CONFIGS[name] or ""
    path.write_bytes(before.encode())
    entry = switch_on(folder)
    edited = path.read_bytes().replace(b"gpt-5.5", b"gpt-6") + b"[notice]\nseen = true\n"
    path.write_bytes(edited)
    assert plan(folder, entry).change is None
    take_out(entry)
    newline = "" if not before or before.endswith("\n") else "\r\n" if "\r" in before else "\n"
    expected = before.replace("gpt-5.5", "gpt-6") + newline + "[notice]\nseen = true\n"
    assert path.read_bytes() == expected.encode()


def test_a_key_put_under_our_heading_is_not_left_to_another_table(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text("[mcp_servers.x]\ncommand = 'x'\n")
    entry = switch_on(folder)
    path.write_text(path.read_text() + "span_attributes = { team = 'a' }\n")
    with pytest.raises(FragmentLost):
        undo(entry)
    with pytest.raises(ChangeRefused, match="what agent-analytics put in was edited since"):
        plan(folder, entry, Receiver(GRPC, HTTP, {"x-developer-id": "other"}))


def test_another_developer_takes_the_place_of_the_one_before(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text('model = "x"\n')
    entry = switch_on(folder)
    other = Receiver("https://otel.example:4317", None, {"x-developer-id": "b", "x-api-key": "k"})
    (sentence,) = plan(folder, entry, other).kept
    assert "always sends what its tools are called with" in sentence
    assert "now to https://otel.example:4317" in sentence
    entry = switch_on(folder, entry, other)
    assert path.read_text().count("[otel]") == 1
    found = tomllib.loads(path.read_text())["otel"]["exporter"]["otlp-grpc"]
    assert found == {"endpoint": "https://otel.example:4317", "headers": dict(other.headers)}
    assert path.stat().st_mode & 0o777 == 0o600
    take_out(entry)
    assert path.read_text() == 'model = "x"\n'


@pytest.mark.parametrize(
    "setting",
    [
        'exporter = { otlp-grpc = { endpoint = "https://otel.corp:4317" } }',
        'exporter = { otlp-http = { endpoint = "http://127.0.0.1:9/v1/logs", protocol = "json" } }',
        'metrics_exporter = { otlp-grpc = { endpoint = "https://otel.corp" } }',
        'trace_exporter = { otlp-http = { endpoint = "https://otel.corp/v1/traces" } }',
        '[otel.exporter.otlp-grpc]\nendpoint = "https://otel.corp"',
    ],
)
def test_another_endpoint_is_a_conflict_and_stays(folder: Path, setting: str) -> None:
    path = folder / "config.toml"
    path.write_text(f"[otel]\n{setting}\n")
    made = plan(folder)
    assert (made.change, made.fragment) == (None, "")
    (sentence,) = made.conflicts
    assert sentence.startswith(f"{path} (your settings) already sets ")
    assert "read Codex's session files with `agent-analytics import`" in sentence


def test_telemetry_that_was_switched_off_by_hand_stays_off(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text('[otel]\nexporter = "none"\n')
    (sentence,) = plan(folder).conflicts
    assert f'{path} (your settings) switches telemetry off (exporter = "none" in' in sentence
    assert not telemetry_state(folder, []).enabled


def test_what_leads_here_already_and_what_is_kept_is_no_conflict(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text(
        "[otel]\nlog_user_prompt = true\nmetrics_exporter = 'statsig'\n"
        'exporter = { otlp-http = { endpoint = "http://localhost:4318/v1/logs",'
        ' protocol = "binary" } }\n'
    )
    made = plan(folder)
    assert made.conflicts == []
    assert made.kept == [
        f"{path} sets log_user_prompt = true in [otel], which stays.",
        f'{path} sets metrics_exporter = "statsig" in [otel], which stays.',
    ]
    switch_on(folder)
    found = tomllib.loads(path.read_text())["otel"]
    assert (found["log_user_prompt"], found["trace_exporter"]) == (True, "none")
    state = telemetry_state(folder, [])
    assert (state.enabled, state.over_http, state.origin) == (True, True, str(path))


def test_an_administrators_file_has_the_last_word(folder: Path, tmp_path: Path) -> None:
    managed = tmp_path / "managed_config.toml"
    managed.write_text('[otel]\nexporter = { otlp-grpc = { endpoint = "https://otel.corp" } }\n')
    (sentence,) = plan(folder, managed=[managed]).conflicts
    assert sentence.startswith(f"{managed} (managed settings) already sets exporter in [otel]")
    state = telemetry_state(folder, [managed])
    assert (state.endpoint, state.origin) == ("https://otel.corp", str(managed))
    managed.write_text("[otel")
    made = plan(folder, managed=[managed])
    assert made.change is not None
    assert f"{managed} (managed settings) cannot be read" in made.kept[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"otel = 1\n", "otel must be a table. Mend that, then run this again"),
        (b"model = \n", "it is not valid TOML: "),
        (b'model = "\xff"\n', "it is not UTF-8"),
        (b'otel = { environment = "x" }\n', "laid out in a way that only you can edit; set "),
        (b"otel.environment = 'x'\n", "laid out in a way that only you can edit; set "),
        (b"otel.x = 1\n[tui]\na = 1\n", "laid out in a way that only you can edit; set "),
        (b"a = '''\n[otel]\n'''\n[otel]\n", "laid out in a way that only you can edit; set "),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused(folder: Path, content: bytes, said: str) -> None:
    path = folder / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ChangeRefused) as refused:
        plan(folder)
    assert str(refused.value).startswith(f"{path} is left as it is: ")
    assert said in str(refused.value)
    assert path.read_bytes() == content


def test_a_key_of_a_backend_is_not_told_in_a_refusal(folder: Path) -> None:
    (folder / "config.toml").write_text("otel.environment = 'x'\n")
    secret = Receiver("https://b.example:4317", None, {"x-api-key": "hunter2"})
    with pytest.raises(ChangeRefused) as refused:
        plan(folder, receiver=secret)
    assert "hunter2" not in str(refused.value)
